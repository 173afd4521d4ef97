import Glibc
import LodgeCore
import TestSupport
import Testing

/// The built command on a scratch root of the test's own.
struct ScratchCommand: Sendable {
    struct Outcome: Sendable {
        var code: Int32?
        var output: String
        var errors: String
    }

    let directory: ScratchDirectory

    init() throws { directory = try ScratchDirectory("lodge-cli") }

    /// Beside the test program.
    static let path: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/lodge"
    }()

    func callAsFunction(_ arguments: String..., input: String = "") throws -> Outcome {
        try run(Self.path, ["lodge"] + arguments, input)
    }

    /// A shell's line in which `$LODGE` is the command.
    func shell(_ line: String) throws -> Outcome { try run("/bin/bash", ["bash", "-c", line], "") }

    private func run(_ program: String, _ arguments: [String], _ input: String) throws -> Outcome {
        var spec = LaunchSpec(
            executable: program, arguments: arguments,
            environment: [
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LODGE_ROOT=\(directory("root"))", "LODGE=\(Self.path)", "TZ=UTC",
                "TERM=dumb",
            ])
        // As the user that runs the tests, with all that they may do.
        spec.capabilities = try Self.ownCapabilities()
        spec.noNewPrivileges = false
        let result = try Launcher.run(
            spec, input: Array(input.utf8), outputLimit: 1 << 20, context: .test(.seconds(60)), features: .underTest)
        var code: Int32?
        if case .exited(let number) = result.status { code = number }
        return Outcome(
            code: code, output: String(decoding: result.output, as: UTF8.self),
            errors: String(decoding: result.errors, as: UTF8.self))
    }

    private static func ownCapabilities() throws -> Set<Capability> {
        let status = String(decoding: try AtomicFile.read("/proc/self/status", limit: 65536) ?? [], as: UTF8.self)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("CapPrm:") })
        let mask = try #require(UInt64(line.dropFirst(7).filter { !$0.isWhitespace }, radix: 16))
        return Set((0...63).filter { mask >> $0 & 1 == 1 }.compactMap { Capability(number: $0) })
    }

    /// Writes a file into the scratch directory and returns its path.
    func file(_ name: String, _ text: String) throws -> String {
        let path = directory(name)
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
        return path
    }

    static func guest(_ name: String = "guest", uuid: String? = nil, devices: String = "") -> String {
        """
        <domain type='qemu'>
          <name>\(name)</name>
          \(uuid.map { "<uuid>\($0)</uuid>" } ?? "")
          <title>A test</title>
          <memory unit='MiB'>64</memory>
          <vcpu>1</vcpu>
          <os><type arch='x86_64' machine='q35'>hvm</type></os>
          <devices>\(devices)</devices>
        </domain>
        """
    }

    static let network = """
        <network>
          <name>lan</name>
          <uuid>8d9cb9a3-1f8b-4c5e-9b7e-1d3f5a7c9e01</uuid>
          <bridge name='clibr0'/>
          <ip address='10.77.0.1' prefix='24'/>
        </network>
        """
}
