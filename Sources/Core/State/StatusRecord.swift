public import FoundationEssentials

/// What an active object is, on disk: `status.json` in its run directory.
///
/// It is written before anything that it names is made, and removed after all of that is gone.
public struct StatusRecord: Sendable, Hashable {
    /// How far its maker had come.
    public enum Phase: String, Sendable, Codable {
        /// Resources are being made. With nobody holding the object's lock, its maker died.
        case preparing
        case running
        /// Resources are being taken away.
        case stopping
    }

    /// The version of this format.
    public static let currentSchema = 1
    /// Bytes of a record that is read at all; what is written here is below 2 KiB as a rule.
    public static let limit = 64 << 10

    /// The boot that it belongs to: in any other it is void.
    public var boot: String
    public var kind: ObjectKind
    public var uuid: UUID
    public var name: String
    /// A domain's number.
    public var id: Int?
    /// Whether a definition outlives this run.
    public var persistent: Bool
    /// The cookie of the network namespace that its resources are in.
    public var namespace: UInt64?
    /// Counts the writes.
    public var generation: UInt64
    public var phase: Phase
    /// In the driver's words, with the reason of it.
    public var state: String?
    public var reason: String?
    /// When the state was entered, in seconds since 1970. For people.
    public var since: Int64
    public var resources: [Resource]
    /// QEMU, once it is known.
    public var process: ProcessIdentity?

    public init(
        boot: String, kind: ObjectKind, uuid: UUID, name: String, id: Int? = nil, persistent: Bool,
        namespace: UInt64? = nil, phase: Phase = .preparing, state: String? = nil, reason: String? = nil,
        since: Int64 = Timestamp.now(), resources: [Resource] = [], process: ProcessIdentity? = nil
    ) {
        self.boot = boot
        self.kind = kind
        self.uuid = uuid
        self.name = name
        self.id = id
        self.persistent = persistent
        self.namespace = namespace
        self.generation = 0
        self.phase = phase
        self.state = state
        self.reason = reason
        self.since = since
        self.resources = resources
        self.process = process
    }

    /// The reason in the record of a guest whose power button was pressed.
    public static let askedToShutDown = "asked to shut down"

    public var reference: ObjectReference { ObjectReference(kind, name) }
}

/// What a record's file turned out to be.
public enum RecordReading: Sendable, Hashable {
    case absent
    case record(StatusRecord)
    /// Of another boot: nothing that it names exists any more, or it is somebody else's by now.
    case otherBoot(StatusRecord)
    /// Not what Lodge wrote, and why.
    case unreadable(String)
    /// Written by a newer version. It is left as it is.
    case newerSchema(Int)

    /// Judges the bytes of a record.
    public init(_ bytes: [UInt8], boot: String) {
        do throws(RecordJSON.Fault) {
            let json = try RecordJSON(bytes, limit: StatusRecord.limit)
            var fields = try RecordJSON.Fields(json, "record")
            let schema: Int = try fields.integer("schema")
            // Before anything else: a newer version may have written what this one does not know.
            if schema > StatusRecord.currentSchema {
                self = .newerSchema(schema)
                return
            }
            guard schema == StatusRecord.currentSchema else { throw .wrong("schema") }
            let record = try StatusRecord(&fields)
            self = record.boot == boot ? .record(record) : .otherBoot(record)
        } catch {
            self = .unreadable(error.description)
        }
    }

    /// The record, of whatever boot.
    public var record: StatusRecord? {
        switch self {
        case .record(let record), .otherBoot(let record): record
        case .absent, .unreadable, .newerSchema: nil
        }
    }
}

extension StatusRecord: Encodable {
    private enum Key: String, CodingKey {
        case schema, boot, kind, uuid, name, id, persistent, namespace, generation, phase, state, reason, since
        case resources, process
    }

    /// The fields of the current schema.
    init(_ fields: inout RecordJSON.Fields) throws(RecordJSON.Fault) {
        boot = try fields.string("boot")
        guard let kind = ObjectKind(rawValue: try fields.string("kind")) else { throw .wrong("kind") }
        guard let uuid = UUID(uuidString: try fields.string("uuid")) else { throw .wrong("uuid") }
        let name = try fields.string("name")
        guard ObjectName.fault(in: name) == nil else { throw .wrong("name") }
        self.kind = kind
        self.uuid = uuid
        self.name = name
        id = try fields.optionalInteger("id")
        persistent = try fields.bool("persistent")
        namespace = try fields.optionalInteger("namespace")
        generation = try fields.integer("generation")
        guard let phase = Phase(rawValue: try fields.string("phase")) else { throw .wrong("phase") }
        self.phase = phase
        state = try fields.optionalString("state")
        reason = try fields.optionalString("reason")
        since = try fields.integer("since")
        guard case .array(let items) = fields.take("resources") else { throw .wrong("resources") }
        resources = try items.map { (item) throws(RecordJSON.Fault) in try Resource(item) }
        process = try fields.take("process").map { (json) throws(RecordJSON.Fault) in try ProcessIdentity(json) }
        try fields.finish()
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.currentSchema, forKey: .schema)
        try container.encode(boot, forKey: .boot)
        try container.encode(kind, forKey: .kind)
        try container.encode(uuid.lowercased, forKey: .uuid)
        try container.encode(name, forKey: .name)
        try container.encodeIfPresent(id, forKey: .id)
        try container.encode(persistent, forKey: .persistent)
        try container.encodeIfPresent(namespace, forKey: .namespace)
        try container.encode(generation, forKey: .generation)
        try container.encode(phase, forKey: .phase)
        try container.encodeIfPresent(state, forKey: .state)
        try container.encodeIfPresent(reason, forKey: .reason)
        try container.encode(since, forKey: .since)
        try container.encode(resources, forKey: .resources)
        try container.encodeIfPresent(process, forKey: .process)
    }

    /// The bytes of `status.json`.
    func json() throws(LodgeError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes: [UInt8]
        do { bytes = Array(try encoder.encode(self)) } catch {
            throw LodgeError(
                .invalidArgument, "the record cannot be written as JSON", object: reference, cause: .text("\(error)"))
        }
        guard bytes.count <= Self.limit else {
            throw LodgeError(
                .invalidArgument, "the record would take \(bytes.count) bytes, more than \(Self.limit)",
                object: reference)
        }
        return bytes
    }
}
