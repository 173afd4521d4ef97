import CLinux
import Glibc
import SystemPackage

/// What a short helper program said and how it ended.
public struct HelperResult: Sendable, Hashable {
    public var status: ExitStatus
    /// Its standard output, as far as the limit goes.
    public var output: [UInt8]
    /// Its standard error, the same.
    public var errors: [UInt8]
    /// Whether it said more than the limit.
    public var isTruncated: Bool

    /// Its last words for people: standard error, else output.
    public var words: String {
        let bytes = errors.isEmpty ? output : errors
        let text = String(decoding: bytes.suffix(4096), as: UTF8.self)
        let lines = text.split(whereSeparator: \.isNewline).map { $0.filter { $0.asciiValue.map { $0 >= 32 } ?? true } }
        return lines.joined(separator: "\n")
    }
}

extension Launcher {
    /// Runs a program that is done soon (nft, `dnsmasq --test`, qemu-img) and collects what it says.
    ///
    /// It is killed when the deadline passes or the operation is cancelled. Its end is what counts, not that of its
    /// output: a process that it leaves behind keeps nobody waiting.
    ///
    /// - Parameters:
    ///   - spec: its three standard descriptors are set here.
    ///   - input: its standard input, whole. It is an open file to the program, not a pipe.
    ///   - outputLimit: bytes kept of each of output and errors; more is read and dropped.
    public static func run(
        _ spec: LaunchSpec, input: [UInt8] = [], outputLimit: Int, context: OperationContext,
        features: KernelFeatures
    ) throws(LodgeError) -> HelperResult {
        try context.check()
        var spec = spec
        // A file in memory instead of a pipe: nothing to feed, and no SIGPIPE for the host program.
        let source = OwnedFD(
            taking: try syscall("memfd_create", "cannot make a file in memory") { unsafe lodge_memfd("lodge-input") })
        try AtomicFile.writeAll(input, to: source.raw, name: "a file in memory")
        try syscall("lseek", "cannot rewind a file in memory") { Glibc.lseek(source.raw, 0, SEEK_SET) }
        var output = try Collector(limit: outputLimit)
        var errors = try Collector(limit: outputLimit)
        spec.standardInput = .descriptor(source.raw)
        spec.standardOutput = .descriptor(output.writeEnd)
        spec.standardError = .descriptor(errors.writeEnd)
        spec.endsWithCaller = true
        let process = try launch(spec, features: features)
        output.closeWriteEnd()
        errors.closeWriteEnd()
        let name = spec.executable
        do throws(LodgeError) {
            var isRunning = true
            while isRunning {
                let polled = [process.pidfd.descriptor, output.readEnd, errors.readEnd].map {
                    // A negative number is passed over by poll(2).
                    pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
                }
                let ready = try context.wait(for: polled, "waiting for '\(name)'")
                isRunning = ready[0].revents == 0
                try output.drain(name)
                try errors.drain(name)
            }
        } catch {
            _ = try? process.pidfd.signal(SIGKILL)
            // Its death, not the operation's deadline, is what this waits for; a process that cannot die is left.
            try? process.pidfd.wait("ending '\(name)'", context: context.shielded(for: .seconds(5)))
            _ = process.pidfd.exitStatus(features: features)
            throw error
        }
        return HelperResult(
            status: process.pidfd.exitStatus(features: features), output: output.bytes, errors: errors.bytes,
            isTruncated: output.isTruncated || errors.isTruncated)
    }

    /// Reads one stream of a helper.
    private struct Collector: ~Copyable {
        private var reader: OwnedFD?
        private var writer: OwnedFD?
        private let limit: Int
        private(set) var bytes: [UInt8]
        private(set) var isTruncated: Bool

        /// The descriptors' numbers, -1 when closed.
        private(set) var readEnd: CInt
        private(set) var writeEnd: CInt

        init(limit: Int) throws(LodgeError) {
            var ends: [CInt] = [-1, -1]
            try syscall("pipe2", "cannot make a pipe") { unsafe lodge_pipe(&ends) }
            let first = OwnedFD(taking: ends[0])
            let second = OwnedFD(taking: ends[1])
            let number = ends[0]
            try syscall("fcntl", "cannot set up a pipe") { lodge_set_nonblocking(number) }
            readEnd = ends[0]
            writeEnd = ends[1]
            reader = consume first
            writer = consume second
            self.limit = limit
            bytes = []
            isTruncated = false
        }

        mutating func closeWriteEnd() {
            writer = nil
            writeEnd = -1
        }

        /// Reads what is there, and closes at the end of it.
        mutating func drain(_ name: String) throws(LodgeError) {
            let number = readEnd
            guard number >= 0 else { return }
            var chunk = [UInt8](repeating: 0, count: 16 << 10)
            // What a chatty program says while it is read comes with the next round.
            for _ in 0..<64 {
                let outcome = attempt {
                    unsafe chunk.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) }
                }
                switch outcome {
                case .success(0):
                    reader = nil
                    readEnd = -1
                    return
                case .success(let count):
                    let room = limit - bytes.count
                    bytes += chunk[..<min(count, max(0, room))]
                    if count > room { isTruncated = true }
                case .failure(.resourceTemporarilyUnavailable): return
                case .failure(let errno):
                    throw LodgeError(
                        .init(errno), "cannot read what '\(name)' says", cause: .errno(errno, call: "read"))
                }
            }
        }
    }
}
