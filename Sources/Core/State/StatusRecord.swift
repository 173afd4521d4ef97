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
        do throws(JSONCheck.Fault) {
            try JSONCheck.check(bytes, limit: StatusRecord.limit, depth: 16)
        } catch {
            self = .unreadable(error.description)
            return
        }
        let data = Data(bytes)
        do {
            let record = try JSONDecoder().decode(StatusRecord.self, from: data)
            self = record.boot == boot ? .record(record) : .otherBoot(record)
        } catch {
            // Only now, so that a sound record is decoded once.
            let version = try? JSONDecoder().decode(SchemaOnly.self, from: data).schema
            if let version, version > StatusRecord.currentSchema {
                self = .newerSchema(version)
            } else {
                self = .unreadable(Self.text(of: error))
            }
        }
    }

    /// The record, of whatever boot.
    public var record: StatusRecord? {
        switch self {
        case .record(let record), .otherBoot(let record): record
        case .absent, .unreadable, .newerSchema: nil
        }
    }

    private struct SchemaOnly: Decodable { var schema: Int }

    private static func text(of error: any Error) -> String {
        let context: DecodingError.Context
        switch error as? DecodingError {
        case .typeMismatch(_, let found), .valueNotFound(_, let found), .keyNotFound(_, let found): context = found
        case .dataCorrupted(let found): context = found
        case nil: return "\(error)"
        @unknown default: return "\(error)"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}

extension StatusRecord: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case schema, boot, kind, uuid, name, id, persistent, namespace, generation, phase, state, reason, since
        case resources, process
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.strictContainer(Key.self)
        guard try container.decode(Int.self, forKey: .schema) == Self.currentSchema else {
            throw DecodingError.dataCorruptedError(
                forKey: .schema, in: container, debugDescription: "not a schema of this version")
        }
        boot = try container.decode(String.self, forKey: .boot)
        kind = try container.decode(ObjectKind.self, forKey: .kind)
        guard let uuid = UUID(uuidString: try container.decode(String.self, forKey: .uuid)) else {
            throw DecodingError.dataCorruptedError(forKey: .uuid, in: container, debugDescription: "not a UUID")
        }
        self.uuid = uuid
        name = try container.decode(String.self, forKey: .name)
        if let fault = ObjectName.fault(in: name) {
            throw DecodingError.dataCorruptedError(forKey: .name, in: container, debugDescription: "it \(fault)")
        }
        id = try container.decodeIfPresent(Int.self, forKey: .id)
        persistent = try container.decode(Bool.self, forKey: .persistent)
        namespace = try container.decodeIfPresent(UInt64.self, forKey: .namespace)
        generation = try container.decode(UInt64.self, forKey: .generation)
        phase = try container.decode(Phase.self, forKey: .phase)
        state = try container.decodeIfPresent(String.self, forKey: .state)
        reason = try container.decodeIfPresent(String.self, forKey: .reason)
        since = try container.decode(Int64.self, forKey: .since)
        resources = try container.decode([Resource].self, forKey: .resources)
        process = try container.decodeIfPresent(ProcessIdentity.self, forKey: .process)
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
