import FoundationEssentials
import Glibc
import Lodge

/// Standard output and standard error of one command.
struct Output: Sendable {
    let quiet: Bool
    let json: Bool

    /// The answer itself.
    func line(_ text: String) throws(OutputError) { try Self.write(text + "\n", to: STDOUT_FILENO) }

    func bytes(_ bytes: [UInt8]) throws(OutputError) { try Self.write(bytes, to: STDOUT_FILENO) }

    /// A confirmation, with the empty line that virsh puts behind it; nothing when quiet.
    func confirm(_ text: String) throws(OutputError) {
        if !quiet { try line(text + "\n") }
    }

    /// An answer in JSON when that was asked for, else what `text` prints and an empty line.
    func answer<Value: Encodable>(_ value: Value, orText text: () throws -> [String]) throws {
        if json {
            try line(try Self.json(value))
        } else {
            let lines = try text() + (quiet ? [] : [""])
            if !lines.isEmpty { try line(lines.joined(separator: "\n")) }
        }
    }

    static func json<Value: Encodable>(_ value: Value, onOneLine: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if !onOneLine { encoder.outputFormatting.insert(.prettyPrinted) }
        // Through a value of our own: UUIDs are small letters everywhere else.
        let tree = try JSONDecoder().decode(JSONValue.self, from: try encoder.encode(value))
        return String(decoding: try encoder.encode(tree.withSmallUUIDs), as: UTF8.self)
    }

    /// What opening the root found changed, on standard error: the user did not ask for it but should know.
    func report(_ event: LoadEvent) {
        switch event.outcome {
        case .failed, .undone, .repaired: note("\(event.object): \(event.outcome.rawValue): \(event.detail)")
        case .degraded, .unknown, .autostarted: break
        }
    }

    func note(_ text: String) {
        if !quiet { try? Self.write("note: \(text)\n", to: STDERR_FILENO) }
    }

    static func write(_ text: String, to descriptor: CInt) throws(OutputError) {
        try write(Array(text.utf8), to: descriptor)
    }

    static func write(_ bytes: [UInt8], to descriptor: CInt) throws(OutputError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&ready, 1, -1)
            } else if errno != EINTR {
                throw OutputError(code: errno)
            }
        }
    }
}

/// Nobody can be told anything on standard output any more.
struct OutputError: Error {
    var code: CInt
}
