import Glibc

/// QEMU without a manager: spawned with the arguments that Lodge gave it, its descriptors at the same numbers, asked
/// over its monitor until it answers `query-status`, and killed.
struct BareQEMU {
    /// The whole command line, as `/proc/PID/cmdline` of a guest that Lodge started has it.
    var arguments: [String]
    /// Opens the tap that QEMU expects at descriptor 7.
    var tap: (() throws -> Int32)?

    private static let (control, events, tapNumber) = (Int32(5), Int32(6), Int32(7))

    /// Milliseconds until its state is known, and from the kill to its being reaped.
    func run(in folder: String) throws -> [Double] {
        let begin = ContinuousClock.now
        let path = "\(folder)/control"
        var descriptors = [
            Self.control: far(try UnixStream.listen(path)), Self.events: far(try UnixStream.listen("\(folder)/events")),
        ]
        if let tap { descriptors[Self.tapNumber] = far(try tap()) }
        let process = try Spawned(arguments, descriptors)
        for descriptor in descriptors.values { close(descriptor) }
        do {
            try QMP.ask(path)
        } catch {
            process.end()
            throw error
        }
        let started = ContinuousClock.now
        process.end()
        let ended = ContinuousClock.now
        return [(started - begin) / .milliseconds(1), (ended - started) / .milliseconds(1)]
    }

    /// The command line of a running process.
    static func arguments(of pid: Int32) throws -> [String] {
        try contents("/proc/\(pid)/cmdline").split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// As much of the monitor's protocol as it takes to know a guest's state.
enum QMP {
    static func ask(_ path: String) throws {
        let monitor = try UnixStream.connect(path)
        defer { close(monitor) }
        var lines = Lines(file: monitor)
        _ = try lines.next()
        let commands = #"{"execute":"qmp_capabilities"}{"execute":"query-status"}"#
        guard write(monitor, commands, commands.utf8.count) == commands.utf8.count else {
            throw Failure(errno: "cannot write to QEMU's monitor")
        }
        _ = try lines.next()
        let answer = try lines.next()
        guard answer.contains("status") else { throw Failure("QEMU answered: \(answer)") }
    }

    private struct Lines {
        let file: Int32
        var buffer: [UInt8] = []

        mutating func next() throws -> String {
            while true {
                if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = String(decoding: buffer[..<end], as: UTF8.self)
                    buffer.removeSubrange(...end)
                    return line
                }
                var chunk = [UInt8](repeating: 0, count: 4096)
                let count = read(file, &chunk, chunk.count)
                guard count > 0 else { throw Failure("QEMU closed its monitor") }
                buffer += chunk[..<count]
            }
        }
    }
}

enum UnixStream {
    static func listen(_ path: String) throws -> Int32 {
        unlink(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard with(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 1) == 0 else {
            throw Failure(errno: "cannot listen on \(path)")
        }
        return descriptor
    }

    static func connect(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard with(path, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw Failure(errno: "cannot connect to \(path)")
        }
        return descriptor
    }

    private static func with(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
