public import FoundationEssentials
public import LodgeCore
import LodgeNetlink
public import Logging

/// Networks: bridges with addresses, rules, DHCP and DNS, and the taps of guests on them.
///
/// Synchronous: every call runs on a thread inside the network namespace that the links belong to. Nothing is kept in
/// memory; any number of drivers may work on one store at once.
public struct NetworkDriver: Sendable {
    public let store: Store
    let features: KernelFeatures
    let searchPath: [String]
    /// The cookie of the namespace that the driver's threads are in.
    let namespace: UInt64
    let logger: Logger

    public init(
        store: Store, features: KernelFeatures, searchPath: [String], namespace: NetworkNamespace, logger: Logger
    ) {
        self.store = store
        self.features = features
        self.searchPath = searchPath
        self.namespace = namespace.cookie
        self.logger = logger
    }

    /// Runs a body with the object's lock.
    func locked<Value>(
        _ uuid: UUID, _ operation: String, _ context: OperationContext, _ body: () throws(LodgeError) -> Value
    ) throws(LodgeError) -> Value {
        let lock = try store.lock(.network, uuid, operation: operation, context: context)
        let value = try body()
        _ = consume lock
        return value
    }

    // MARK: Look-up

    /// The network with this name or UUID, active or not. A name wins over a UUID, as in virsh.
    ///
    /// - Throws: `notFound`.
    public func find(_ key: String, context: OperationContext) throws(LodgeError) -> (uuid: UUID, name: String) {
        if ObjectName.fault(in: key) == nil {
            if let definition = try kept(named: key), let uuid = definition.uuid { return (uuid, key) }
            if let record = try records().first(where: { $0.name == key }) { return (record.uuid, key) }
        }
        if let uuid = UUID(xmlText: key), let name = try name(of: uuid) { return (uuid, name) }
        throw LodgeError(
            .notFound, "no network has the name or UUID '\(key.prefix(60))'", hint: "'lodge net-list --all' shows all")
    }

    /// The kept definition with this name; nil when there is none.
    func kept(named name: String) throws(LodgeError) -> NetworkDefinition? {
        guard let bytes = try store.readDefinition(.network, name) else { return nil }
        let path = store.definitionPath(.network, name)
        let definition = try NetworkDefinition(xml: bytes, file: path)
        guard definition.name == name, definition.uuid != nil, definition.bridge.name != nil else {
            throw LodgeError(
                .corrupt, "'\(path)' is not the definition of network '\(name)'",
                object: ObjectReference(.network, name), hint: "define the network again from your own file")
        }
        return definition
    }

    /// The kept definition with this UUID; definitions that cannot be read are passed over.
    func kept(_ uuid: UUID) throws(LodgeError) -> NetworkDefinition? {
        let names = try store.definitionNames(.network)
        let text = Array(uuid.lowercased.utf8)
        var others: [String] = []
        // As we write it, the UUID stands in the text; only what people edited by hand needs the second pass.
        for name in names {
            guard let bytes = try store.readDefinition(.network, name) else { continue }
            guard bytes.contains(text) else {
                others.append(name)
                continue
            }
            if let definition = try? kept(named: name), definition.uuid == uuid { return definition }
        }
        for name in others {
            if let definition = try? kept(named: name), definition.uuid == uuid { return definition }
        }
        return nil
    }

    /// All records of this boot that can be read.
    func records() throws(LodgeError) -> [StatusRecord] {
        var records: [StatusRecord] = []
        for uuid in try store.runtimeUUIDs(.network) {
            if case .record(let record) = try store.readRecord(.network, uuid) { records.append(record) }
        }
        return records
    }

    func name(of uuid: UUID) throws(LodgeError) -> String? {
        if case .record(let record) = try store.readRecord(.network, uuid) { return record.name }
        if let definition = try kept(uuid) { return definition.name }
        // Of a record that cannot be read only the UUID is known.
        return try store.runtimeUUIDs(.network).contains(uuid) ? uuid.lowercased : nil
    }

    func reference(_ uuid: UUID) -> ObjectReference {
        ObjectReference(.network, (try? name(of: uuid)) ?? uuid.lowercased)
    }

    func missing(_ uuid: UUID) -> LodgeError {
        LodgeError(
            .notFound, "no network has the UUID \(uuid.lowercased)", hint: "'lodge net-list --all' shows all")
    }

    // MARK: State

    /// What record and kernel say of one network.
    func observe(_ uuid: UUID) throws(LodgeError) -> (reading: RecordReading, verdict: NetworkVerdict) {
        let reading = try store.readRecord(.network, uuid)
        guard let record = reading.record else {
            let nothing = NetworkPresence(namespace: namespace, bridge: .absent)
            return (reading, reconcile(reading, nothing))
        }
        let survey = try NetworkSurvey(of: record, namespace: namespace, session: NetlinkSession())
        let presence = try survey.presence(of: record, isLocked: false, store: store)
        return (reading, reconcile(reading, presence))
    }
}

extension [UInt8] {
    /// Whether another array stands in this one.
    fileprivate func contains(_ other: [UInt8]) -> Bool {
        guard let first = other.first, count >= other.count else { return false }
        for start in 0...(count - other.count) where self[start] == first {
            if self[start..<(start + other.count)].elementsEqual(other) { return true }
        }
        return false
    }
}
