public import FoundationEssentials
import Glibc
public import LodgeCore
import LodgeNetlink

/// net-list, net-info, net-dhcp-leases: records and one look at the kernel; no lock.
extension NetworkDriver {
    /// All networks, active and not, by name.
    public func list(context: OperationContext) throws(LodgeError) -> [NetworkSummary] {
        let autostart = Set(try store.autostartNames(.network))
        let uuids = try store.runtimeUUIDs(.network)
        var summaries: [NetworkSummary] = []
        var active: Set<UUID> = []
        if !uuids.isEmpty {
            let survey = try NetworkSurvey(namespace: namespace, session: NetlinkSession())
            for uuid in uuids {
                let reading = try store.readRecord(.network, uuid)
                let verdict = reconcile(
                    reading, try survey.presence(of: reading.record, isLocked: false, store: store))
                guard let summary = summary(uuid, reading, verdict, autostart) else { continue }
                summaries.append(summary)
                active.insert(uuid)
            }
        }
        let names = Set(summaries.map(\.name))
        for name in try store.definitionNames(.network) where !names.contains(name) {
            do throws(LodgeError) {
                guard let definition = try kept(named: name) else { continue }
                if let uuid = definition.uuid, active.contains(uuid) {
                    // Its record could not be read, so only now its name is known.
                    guard let place = summaries.firstIndex(where: { $0.uuid == uuid }) else { continue }
                    summaries[place].name = name
                    summaries[place].persistent = true
                    summaries[place].autostart = autostart.contains(name)
                    summaries[place].bridge = definition.bridge.name
                    continue
                }
                summaries.append(
                    NetworkSummary(
                        uuid: definition.uuid, name: name, state: .inactive, persistent: true,
                        autostart: autostart.contains(name), bridge: definition.bridge.name))
            } catch {
                summaries.append(
                    NetworkSummary(
                        uuid: nil, name: name, state: .inactive, persistent: true,
                        autostart: autostart.contains(name), bridge: nil, reason: error.description))
            }
        }
        return summaries.sorted { $0.name < $1.name }
    }

    /// Nil for a network that is not active and of which only residue is there.
    private func summary(
        _ uuid: UUID, _ reading: RecordReading, _ verdict: NetworkVerdict, _ autostart: Set<String>
    ) -> NetworkSummary? {
        let record = reading.record
        let state: NetworkState
        var reason: String?
        switch verdict {
        case .active: (state, reason) = (.active, record?.reason)
        case .damaged(let defects):
            state = .active
            reason = "missing: " + defects.map(\.rawValue).joined(separator: ", ")
        case .unknown(let why): (state, reason) = (.unknown, why)
        case .undo(let why):
            guard record?.persistent == false else { return nil }
            (state, reason) = (.inactive, why)
        case .inactive, .inWork: return nil
        }
        let name = record?.name ?? uuid.lowercased
        return NetworkSummary(
            uuid: uuid, name: name, state: state, persistent: record?.persistent ?? false,
            autostart: autostart.contains(name), bridge: record?.bridgeName, reason: reason)
    }

    public func info(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> NetworkInfo {
        guard let name = try name(of: uuid) else { throw missing(uuid) }
        let (reading, verdict) = try observe(uuid)
        let kept = try kept(uuid)
        let autostart = Set(
            try kept.map { definition throws(LodgeError) in
                try store.isAutostart(.network, definition.name) ? [definition.name] : []
            } ?? [])
        let found = summary(uuid, reading, verdict, autostart)
        let summary =
            found
            ?? NetworkSummary(
                uuid: uuid, name: name, state: .inactive, persistent: kept != nil,
                autostart: autostart.contains(name), bridge: kept?.bridge.name)
        let live = verdict.isActive ? try live(uuid) : nil
        let definition = live ?? kept
        var pid: Int32?
        let lease = store.runtimeDirectory(.network, uuid) + "/" + Dnsmasq.leaseName
        if verdict.isActive, let (found, presence) = try Dnsmasq.process(at: lease, features: features),
            presence == .alive
        {
            pid = found
        }
        return NetworkInfo(
            summary, uuid: uuid, mode: definition.map { $0.mode?.rawValue ?? "isolated" } ?? "unknown",
            addresses: definition?.addresses.map(\.prefix.description) ?? [], pid: pid)
    }

    /// The definition that an active network runs with.
    func live(_ uuid: UUID) throws(LodgeError) -> NetworkDefinition? {
        guard let bytes = try store.readLiveXML(.network, uuid) else { return nil }
        return try NetworkDefinition(xml: bytes, file: store.liveXMLPath(.network, uuid))
    }

    /// What dnsmasq has given out and not taken back, by expiry as its file has it.
    ///
    /// - Parameter mac: only those of this address.
    public func leases(
        _ uuid: UUID, mac: String? = nil, context: OperationContext
    ) throws(LodgeError) -> [DHCPLease] {
        var wanted: MACAddress?
        if let mac {
            guard let address = MACAddress(mac) else {
                throw LodgeError(.invalidArgument, "'\(mac.prefix(40))' is no MAC address")
            }
            wanted = address
        }
        guard try name(of: uuid) != nil else { throw missing(uuid) }
        let definition = try observe(uuid).verdict.isActive ? try live(uuid) : try kept(uuid)
        guard let bytes = try AtomicFile.read(leasesPath(uuid), limit: LeaseFile.limit) else { return [] }
        return LeaseFile.leases(
            in: bytes, prefixes: definition?.addresses.map(\.prefix) ?? [], now: Int64(time(nil)), mac: wanted)
    }

    /// Where dnsmasq keeps its leases: over restarts of network and host, so that guests keep their addresses.
    func leasesPath(_ uuid: UUID) -> String { "\(leasesDirectory)/\(uuid.lowercased).leases" }
    var leasesDirectory: String { store.root.lib + "/networks" }

    func removeLeases(_ uuid: UUID) throws(LodgeError) { try AtomicFile.remove(leasesPath(uuid)) }
}
