public import FoundationEssentials
public import LodgeCore

/// Which domains there are, from records and leases alone: no lock, no monitor.
extension QEMUDriver {
    /// All domains, active ones by id, then the others by name.
    public func list(titles: Bool = false) throws(LodgeError) -> [DomainSummary] {
        let marked = Set(try store.autostartNames(.domain))
        var active: [DomainSummary] = []
        // Run directories whose record gives no name: the definition must.
        var nameless: [UUID: Observation] = [:]
        var seen: Set<String> = []
        for uuid in try store.runtimeUUIDs(.domain) {
            let observation = try observe(uuid)
            guard observation.isActive else { continue }
            guard let record = observation.record else {
                nameless[uuid] = observation
                continue
            }
            seen.insert(record.name)
            let title = titles ? try? liveDefinition(uuid)?.title : nil
            active.append(
                DomainSummary(
                    id: record.id, uuid: uuid, name: record.name, title: title,
                    status: try status(of: observation, uuid),
                    persistent: record.persistent, autostart: record.persistent && marked.contains(record.name)))
        }
        var inactive: [DomainSummary] = []
        for name in try store.definitionNames(.domain) where !seen.contains(name) {
            inactive.append(keptSummary(name, autostart: marked.contains(name), nameless: &nameless))
        }
        for (uuid, observation) in nameless {
            inactive.append(
                DomainSummary(
                    id: nil, uuid: uuid, name: uuid.lowercased, status: try status(of: observation, uuid),
                    persistent: false,
                    autostart: false))
        }
        return active.sorted { ($0.id ?? .max, $0.name) < ($1.id ?? .max, $1.name) }
            + inactive.sorted { $0.name < $1.name }
    }

    private func keptSummary(_ name: String, autostart: Bool, nameless: inout [UUID: Observation]) -> DomainSummary {
        var summary = DomainSummary(
            id: nil, uuid: nil, name: name, status: log(of: name).lastStop(), persistent: true, autostart: autostart)
        do throws(LodgeError) {
            guard let definition = try keptDefinition(named: name), let uuid = definition.uuid else { return summary }
            summary.uuid = uuid
            summary.title = definition.title
            if let observation = nameless.removeValue(forKey: uuid) {
                summary.status = try status(of: observation, uuid)
            }
        } catch {
            summary.note = "its definition cannot be read: \(error)"
        }
        return summary
    }

    /// The domain with this id, UUID or name, in virsh's order.
    public func find(_ key: String) throws(LodgeError) -> (uuid: UUID, name: String) {
        if let id = Int(key), let record = try activeRecords().first(where: { $0.id == id }) {
            return (record.uuid, record.name)
        }
        if let uuid = UUID(uuidString: key) {
            let observation = try observe(uuid)
            if observation.isActive, let record = observation.record { return (uuid, record.name) }
            if let name = try keptName(of: uuid) { return (uuid, name) }
        }
        // No two have one name, so the definition is as good as the record, and one file instead of many.
        if ObjectName.fault(in: key) == nil, let uuid = try? keptUUID(of: key) { return (uuid, key) }
        if let record = try activeRecords().first(where: { $0.name == key }) { return (record.uuid, record.name) }
        // That of a definition that cannot be read is the error to see.
        if ObjectName.fault(in: key) == nil { _ = try keptUUID(of: key) }
        throw LodgeError(
            .notFound, "no domain has this name, id or UUID", object: ObjectReference(.domain, key),
            hint: "lodge list --all shows those that there are")
    }

    /// The records of all domains that are active, or that cannot be judged but have a name.
    func activeRecords() throws(LodgeError) -> [StatusRecord] {
        var records: [StatusRecord] = []
        for uuid in try store.runtimeUUIDs(.domain) {
            let observation = try observe(uuid)
            if observation.isActive, let record = observation.record { records.append(record) }
        }
        return records
    }

    func liveDefinition(_ uuid: UUID) throws(LodgeError) -> DomainDefinition? {
        guard let bytes = try store.readLiveXML(.domain, uuid) else { return nil }
        return try DomainDefinition(xml: bytes, file: store.liveXMLPath(.domain, uuid))
    }
}
