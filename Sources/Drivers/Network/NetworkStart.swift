public import FoundationEssentials
public import LodgeCore
import LodgeNetlink
import Logging

/// net-start and net-create.
extension NetworkDriver {
    /// Starts a kept network.
    ///
    /// - Throws: `invalidState` when it is active or cannot be judged; `busy` when its bridge name or a subnet is in
    ///   use,
    ///   naming both sides.
    public func start(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        try locked(uuid, "net-start", context) { () throws(LodgeError) in
            guard let definition = try kept(uuid) else {
                guard let name = try name(of: uuid) else { throw missing(uuid) }
                throw LodgeError(
                    .invalidState, "the network has no kept definition", object: ObjectReference(.network, name))
            }
            try start(definition, uuid, persistent: true, context: context)
        }
    }

    /// Starts a network that is forgotten when it is destroyed.
    public func create(
        xml: [UInt8], file: String, context: OperationContext
    ) throws(LodgeError) -> (uuid: UUID, name: String) {
        let given = try NetworkDefinition(xml: xml, file: file)
        let storeLock = try store.lockStore(operation: "net-create", context: context)
        let definition = try resolve(given, context: context)
        let uuid = definition.uuid ?? UUID()
        try locked(uuid, "net-create", context) { () throws(LodgeError) in
            try start(definition, uuid, persistent: try kept(uuid) != nil, context: context)
        }
        _ = consume storeLock
        return (uuid, definition.name)
    }

    /// Starts what is marked so. Called once per boot.
    public func autostart(context: OperationContext) throws(LodgeError) -> [LoadEvent] {
        var events: [LoadEvent] = []
        for name in try store.autostartNames(.network) {
            let object = ObjectReference(.network, name)
            do throws(LodgeError) {
                guard let uuid = try kept(named: name)?.uuid, try !observe(uuid).verdict.isActive else { continue }
                try start(uuid, context: context)
                events.append(LoadEvent(object, .autostarted, "marked to start with the host"))
            } catch {
                logger.warning("autostart failed", metadata: ["network": "\(name)", "error": "\(error)"])
                events.append(LoadEvent(object, .failed, "\(error)"))
            }
        }
        return events
    }

    /// The way up: checks, record, resources, record. Needs the object's lock.
    private func start(
        _ definition: NetworkDefinition, _ uuid: UUID, persistent: Bool, context: OperationContext
    ) throws(LodgeError) {
        let object = ObjectReference(.network, definition.name)
        try clear(uuid, object, context: context)
        let session = try NetlinkSession()
        let plan = try NetworkPlan(
            definition, uuid: uuid, index: try freeIndex(session), resolvers: HostResolvers.read())
        // Two starts must not both find a subnet free.
        let subnets = try store.lockResource("subnets:\(namespace)", operation: "net-start", context: context)
        try check(plan, object, session, context: context)
        var record = StatusRecord(
            boot: store.bootID, kind: .network, uuid: uuid, name: definition.name, persistent: persistent,
            namespace: namespace, resources: plan.resources)
        do throws(LodgeError) {
            try store.writeRecord(&record)
            try store.writeLiveXML(.network, uuid, definition.xml())
            try makeLinks(plan, session)
            _ = consume subnets
            try makeRest(plan, context: context)
            record.phase = .running
            try store.writeRecord(&record)
        } catch {
            logger.info("start undone", metadata: ["network": "\(definition.name)", "error": "\(error)"])
            do throws(LodgeError) {
                try takeAway(record, context: context.shielded(for: .seconds(20)))
            } catch let residue {
                var failed = error
                failed.others.append(residue)
                throw failed.on(object)
            }
            throw error.on(object)
        }
        logger.info("network started", metadata: ["network": "\(definition.name)", "bridge": "\(plan.bridgeName)"])
    }

    /// An ifindex that no link has: undoing a failed start deletes by it.
    private func freeIndex(_ session: NetlinkSession) throws(LodgeError) -> Int32 {
        while true {
            let index = LinkName.randomIndex()
            if try session.link(index: index) == nil { return index }
        }
    }

    /// Makes sure that nothing of an earlier run is left.
    private func clear(_ uuid: UUID, _ object: ObjectReference, context: OperationContext) throws(LodgeError) {
        let (reading, verdict) = try observe(uuid)
        switch verdict {
        case .active, .damaged:
            throw LodgeError(
                .invalidState, "the network is already active", object: object,
                hint: "'lodge net-destroy \(object.name)' ends it")
        case .unknown(let reason):
            throw LodgeError(
                .invalidState, "whether the network is active cannot be told: \(reason)", object: object,
                hint: "'lodge net-destroy \(object.name)' takes away what is left of it")
        case .inactive: try store.removeRuntime(.network, uuid)
        case .undo, .inWork:
            guard let record = reading.record else { return try store.removeRuntime(.network, uuid) }
            try takeAway(record, context: context)
        }
    }
}

extension LodgeError {
    /// The same error, about an object, unless it names one.
    func on(_ object: ObjectReference) -> LodgeError {
        var error = self
        error.object = error.object ?? object
        return error
    }
}

extension NetworkPlan {
    /// All that a record must name before it is made, in the order in which it is made.
    var resources: [Resource] {
        guard let bridge else { return [.hostLink(name: bridgeName)] }
        var resources: [Resource] = [
            .link(name: bridge.name, index: bridge.index, kind: "bridge", mac: bridge.mac)
        ]
        resources += addresses.map { .address(index: bridge.index, prefix: $0.description) }
        if let filter {
            resources.append(
                .nftTable(family: filter.table.family, name: filter.table.name, rules: filter.ruleCount))
        }
        resources += forwarding.map { .sysctl(key: ForwardingSwitch($0).key) }
        if dnsmasq != nil { resources.append(.process(role: "dnsmasq", lease: Dnsmasq.leaseName)) }
        return resources
    }
}
