import CLinux
import Glibc
import SystemPackage

/// Which process, of all that ever had its pid since boot.
public struct ProcessIdentity: Sendable, Hashable {
    /// In the pid namespace of whoever recorded it.
    public var pid: Int32
    /// Clock ticks since boot: field 22 of `/proc/PID/stat` (proc_pid_stat(5)).
    public var startTime: UInt64
    /// The number of its process descriptor, never used twice, where the kernel gives one (6.9).
    public var inode: UInt64?
    /// The pid namespace that the pid belongs to, as the number of `/proc/self/ns/pid`.
    public var namespace: UInt64?

    public init(pid: Int32, startTime: UInt64, inode: UInt64? = nil, namespace: UInt64? = nil) {
        self.pid = pid
        self.startTime = startTime
        self.inode = inode
        self.namespace = namespace
    }

    /// Reads the line of `/proc/PID/stat`: the name in it may hold anything, so the last `)` ends it.
    public init?(stat: some Collection<UInt8>) {
        let bytes = Array(stat.prefix(4096))
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")), let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            open < close, let pid = Int32(String(decoding: bytes[..<open], as: UTF8.self).filter { $0 != " " }),
            pid > 0
        else { return nil }
        let fields = bytes[(close + 1)...].split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == 10 })
        // Field 3 is the first behind the name.
        guard fields.count > 19, let startTime = UInt64(String(decoding: fields[19], as: UTF8.self)) else {
            return nil
        }
        self.init(pid: pid, startTime: startTime)
    }

    /// The pid namespace of the calling process, nil when `/proc` does not say.
    public static func currentNamespace() -> UInt64? {
        guard let status = try? FileStatus(path: "/proc/self/ns/pid") else { return nil }
        return status.identity.inode
    }

    /// What `/proc` says of a pid now. Nil when there is no such process.
    static func read(pid: Int32) throws(LodgeError) -> ProcessIdentity? {
        let path = "/proc/\(pid)/stat"
        let bytes: [UInt8]?
        do throws(LodgeError) { bytes = try AtomicFile.read(path, limit: 4096) } catch {
            // A process that ends while it is read.
            if case .errno(.noSuchProcess, _) = error.cause { return nil }
            throw error
        }
        guard let bytes else { return nil }
        guard let identity = ProcessIdentity(stat: bytes) else {
            throw LodgeError(.corrupt, "'\(path)' is not as it should be")
        }
        return identity
    }
}

extension ProcessIdentity: Encodable {
    private enum Key: String, CodingKey { case pid, start, inode, namespace }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(pid, forKey: .pid)
        try container.encode(startTime, forKey: .start)
        try container.encodeIfPresent(inode, forKey: .inode)
        try container.encodeIfPresent(namespace, forKey: .namespace)
    }

    init(_ json: RecordJSON) throws(RecordJSON.Fault) {
        var fields = try RecordJSON.Fields(json, "process")
        pid = try fields.integer("pid")
        startTime = try fields.integer("start")
        inode = try fields.optionalInteger("inode")
        namespace = try fields.optionalInteger("namespace")
        try fields.finish()
        guard pid > 0 else { throw .wrong("pid") }
    }
}
