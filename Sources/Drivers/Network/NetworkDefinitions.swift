public import FoundationEssentials
public import LodgeCore
import LodgeNetlink
import Logging

/// Definitions that are kept: net-define, net-undefine, net-autostart, net-dumpxml.
extension NetworkDriver {
    /// Keeps a definition, new or changed; what it leaves open (UUID, bridge name, bridge address) is decided now and
    /// kept with it.
    ///
    /// - Throws: `invalidXML`, `unsupported`; `alreadyExists` when name, UUID or bridge is another network's.
    public func define(
        xml: [UInt8], file: String, context: OperationContext
    ) throws(LodgeError) -> (uuid: UUID, name: String) {
        let given = try NetworkDefinition(xml: xml, file: file)
        let storeLock = try store.lockStore(operation: "net-define", context: context)
        let definition = try resolve(given, context: context)
        let uuid = definition.uuid ?? UUID()
        // Everything that can be found wrong later is found wrong now.
        _ = try NetworkPlan(definition, uuid: uuid, index: 1, resolvers: [])
        try locked(uuid, "net-define", context) { () throws(LodgeError) in
            try store.writeDefinition(.network, definition.name, definition.xml())
            try setPersistent(uuid, true)
        }
        _ = consume storeLock
        logger.info("network defined", metadata: ["network": "\(definition.name)", "uuid": "\(uuid.lowercased)"])
        return (uuid, definition.name)
    }

    /// Forgets the definition. An active network goes on, as a transient one.
    public func undefine(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        try locked(uuid, "net-undefine", context) { () throws(LodgeError) in
            guard let definition = try kept(uuid) else {
                guard let name = try name(of: uuid) else { throw missing(uuid) }
                throw LodgeError(
                    .invalidState, "the network is transient: there is no definition to forget",
                    object: ObjectReference(.network, name), hint: "'lodge net-destroy \(name)' ends it")
            }
            try store.removeDefinition(.network, definition.name)
            try setPersistent(uuid, false)
            if case .absent = try store.readRecord(.network, uuid) { try removeLeases(uuid) }
            logger.info("network undefined", metadata: ["network": "\(definition.name)"])
        }
    }

    /// Whether the first host that is opened after a boot starts it.
    public func setAutostart(_ uuid: UUID, _ on: Bool, context: OperationContext) throws(LodgeError) {
        try locked(uuid, "net-autostart", context) { () throws(LodgeError) in
            guard let definition = try kept(uuid) else {
                guard let name = try name(of: uuid) else { throw missing(uuid) }
                throw LodgeError(
                    .invalidState, "a transient network cannot be started at boot",
                    object: ObjectReference(.network, name), hint: "define it first, with 'lodge net-define FILE'")
            }
            try store.setAutostart(.network, definition.name, on)
        }
    }

    /// The definition as XML.
    public func xml(
        _ uuid: UUID, _ version: DefinitionVersion, context: OperationContext
    ) throws(LodgeError) -> String {
        if version != .persistent, try observe(uuid).verdict.isActive,
            let live = try store.readLiveXML(.network, uuid)
        {
            return String(decoding: live, as: UTF8.self)
        }
        if version != .live, let definition = try kept(uuid) { return definition.xml() }
        guard let name = try name(of: uuid) else { throw missing(uuid) }
        throw LodgeError(
            .invalidState, version == .live ? "the network is not active" : "the network has no such definition",
            object: ObjectReference(.network, name),
            hint: version == .live ? "'lodge net-start \(name)' starts it" : nil)
    }

    /// Writes into an active network's record whether a definition outlives it.
    private func setPersistent(_ uuid: UUID, _ persistent: Bool) throws(LodgeError) {
        guard case .record(var record) = try store.readRecord(.network, uuid), record.persistent != persistent else {
            return
        }
        record.persistent = persistent
        try store.writeRecord(&record)
    }

    // MARK: What a definition leaves open

    /// Fills in UUID, bridge name and bridge address. Needs the store's lock, so that nobody takes them meanwhile.
    func resolve(_ given: NetworkDefinition, context: OperationContext) throws(LodgeError) -> NetworkDefinition {
        var definition = given
        let object = ObjectReference(.network, given.name)
        let others = try others()
        if let same = others.first(where: { $0.name == given.name }), same.uuid != given.uuid {
            throw LodgeError(
                .alreadyExists, "a network of this name exists already, with UUID \(same.uuid.lowercased)",
                object: object, hint: "write that <uuid> into the file to change that network, or choose another name")
        }
        if let same = others.first(where: { $0.uuid == given.uuid }), same.name != given.name {
            throw LodgeError(
                .alreadyExists, "the UUID \(same.uuid.lowercased) is that of network '\(same.name)'", object: object,
                hint: "leave <uuid> out and a new one is chosen; networks are not renamed by defining them")
        }
        let uuid = given.uuid ?? UUID()
        definition.uuid = uuid
        guard !given.usesHostBridge else { return definition }
        let rivals = others.filter { $0.uuid != uuid && !$0.usesHostBridge }
        if let name = given.bridge.name {
            if let rival = rivals.first(where: { $0.bridge == name }) {
                let free = try freeBridgeName(others)
                throw LodgeError(
                    .alreadyExists, "the bridge name '\(name)' is that of network '\(rival.name)'", object: object,
                    hint: "use another one, such as '\(free)', or leave <bridge name> out")
            }
        } else {
            let earlier = others.first { $0.uuid == uuid }?.bridge
            if let earlier {
                definition.bridge.name = earlier
            } else {
                definition.bridge.name = try freeBridgeName(others)
            }
        }
        definition.mac = definition.mac ?? NetworkPlan.mac(of: uuid)
        return definition
    }

    private struct Other {
        var name: String
        var uuid: UUID
        var bridge: String?
        var usesHostBridge: Bool
    }

    /// All networks that are kept or active; what cannot be read is passed over.
    private func others() throws(LodgeError) -> [Other] {
        var others: [Other] = []
        for name in try store.definitionNames(.network) {
            guard let definition = try? kept(named: name), let uuid = definition.uuid else { continue }
            others.append(
                Other(
                    name: name, uuid: uuid, bridge: definition.bridge.name, usesHostBridge: definition.usesHostBridge))
        }
        for record in try records() where !others.contains(where: { $0.uuid == record.uuid }) {
            others.append(
                Other(
                    name: record.name, uuid: record.uuid, bridge: record.bridgeName,
                    usesHostBridge: record.bridgeIndex == nil))
        }
        return others
    }

    /// The first of virbr0, virbr1… that no network and no link has.
    private func freeBridgeName(_ others: [Other]) throws(LodgeError) -> String {
        let taken = Set(others.compactMap(\.bridge)).union(try NetlinkSession().links().map(\.name))
        for number in 0..<100_000 where !taken.contains("virbr\(number)") { return "virbr\(number)" }
        throw LodgeError(
            .busy, "every bridge name from virbr0 on is taken", hint: "choose a name with <bridge name='…'>")
    }
}

extension StatusRecord {
    /// The bridge that guests of this network join.
    var bridgeName: String? {
        for resource in resources {
            switch resource {
            case .link(let name, _, "bridge", _), .hostLink(let name): return name
            default: continue
            }
        }
        return nil
    }

    /// The ifindex of the bridge that was made; nil for one of the host's own.
    var bridgeIndex: Int32? {
        for case .link(_, let index, "bridge", _) in resources { return index }
        return nil
    }
}
