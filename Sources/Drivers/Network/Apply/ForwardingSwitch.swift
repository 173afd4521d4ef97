import FoundationEssentials
import Glibc
import LodgeCore

/// The kernel's switch for forwarding, in the network namespace of the calling thread, held by the networks that need
/// it.
///
/// The old value and one file for each holder lie under `run/host/`, written before the switch is turned. The last
/// holder that goes puts the old value back.
struct ForwardingSwitch {
    let family: IPAddress.Family

    init(_ family: IPAddress.Family) { self.family = family }

    /// Nil when the key is none of ours.
    init?(key: String) {
        guard let family = IPAddress.Family.allCases.first(where: { ForwardingSwitch($0).key == key }) else {
            return nil
        }
        self.family = family
    }

    var key: String { family == .ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding" }
    private var path: String { "/proc/sys/" + key.split(separator: ".").joined(separator: "/") }

    func isOn() throws(LodgeError) -> Bool { try value() == "1" }

    /// "0" where the kernel has no such family.
    private func value() throws(LodgeError) -> String {
        guard let bytes = try AtomicFile.read(path, limit: 64) else { return "0" }
        return String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
    }

    /// Turns it on for one network. Doing it twice changes nothing.
    func hold(for uuid: UUID, store: Store, namespace: UInt64, context: OperationContext) throws(LodgeError) {
        let directory = directory(store, namespace)
        let lock = try lock(store, namespace, context)
        let current = try value()
        if try old(directory, store) == nil {
            try Directory.remove(directory)
            try Directory.make(directory)
            try AtomicFile.write(Array("\(store.bootID) \(current)".utf8), to: directory + "/old", durable: false)
        }
        try AtomicFile.write([], to: "\(directory)/\(uuid.lowercased)", durable: false)
        if current != "1" { try Self.write("1", to: path) }
        _ = consume lock
    }

    /// Lets go for one network, and puts the old value back when no other holds it. Doing it twice changes nothing.
    func release(for uuid: UUID, store: Store, namespace: UInt64, context: OperationContext) throws(LodgeError) {
        let directory = directory(store, namespace)
        let lock = try lock(store, namespace, context)
        try AtomicFile.remove("\(directory)/\(uuid.lowercased)")
        let names = try Directory.names(of: directory) ?? []
        if !names.contains(where: { UUID(uuidString: $0) != nil }) {
            // Somebody who turned it off meanwhile meant it.
            if let old = try old(directory, store), try isOn(), old != "1" { try Self.write(old, to: path) }
            try Directory.remove(directory)
        }
        _ = consume lock
    }

    func directory(_ store: Store, _ namespace: UInt64) -> String {
        "\(store.hostDirectory)/\(namespace):\(key)"
    }

    private func lock(_ store: Store, _ namespace: UInt64, _ context: OperationContext) throws(LodgeError) -> FileLock {
        try store.lockResource("sysctl:\(namespace):\(key)", operation: "ip forwarding", context: context)
    }

    /// What the switch was before the first holder; nil when nobody holds it, or only in another boot.
    private func old(_ directory: String, _ store: Store) throws(LodgeError) -> String? {
        guard let bytes = try AtomicFile.read(directory + "/old", limit: 256) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard words.count == 2, words[0] == store.bootID, words[1].count <= 4, words[1].allSatisfy(\.isNumber) else {
            return nil
        }
        return String(words[1])
    }

    private static func write(_ value: String, to path: String) throws(LodgeError) {
        do throws(LodgeError) { try KernelSetting.write(value, to: path) } catch {
            var refused = error
            refused.hint = "networks that forward need \(path) to be writable; an isolated network does not"
            throw refused
        }
    }
}

/// Files under `/proc/sys`: of the calling thread's network namespace below `net`.
enum KernelSetting {
    static func write(_ value: String, to path: String) throws(LodgeError) {
        let raw = try syscall("open", "cannot set '\(path)'") { unsafe open(path, O_WRONLY | O_CLOEXEC) }
        let file = OwnedFD(taking: raw)
        let bytes = Array(value.utf8)
        try syscall("write", "cannot set '\(path)' to \(value)") { unsafe Glibc.write(raw, bytes, bytes.count) }
        try file.close()
    }
}
