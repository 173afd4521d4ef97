import Glibc
import TestSupport
import Testing

@testable import LodgeCore

/// The same launches in host programs that reap everything, that ignore SIGCHLD, and that are PID 1.
@Suite struct HostileHostTests {
    let scratch: ScratchDirectory
    init() throws { scratch = try ScratchDirectory() }

    /// Beside the test program.
    private var host: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return AtomicFile.split(path).directory + "/lodge-test-host"
    }

    private func run(_ spec: LaunchSpec) throws {
        let result = try Launcher.run(
            spec, outputLimit: 10_000, context: .test(.seconds(60)), features: .underTest)
        #expect(String(decoding: result.output, as: UTF8.self) == "ok\n")
        #expect(result.status.isSuccess, "\(result.status): \(result.words)")
    }

    @Test(arguments: ["plain", "ignore", "reaper"]) func ofThisKind(_ mode: String) throws {
        try run(LaunchSpec(executable: host, arguments: ["host", mode, scratch.path]))
    }

    @Test(.enabled(if: geteuid() == 0, "pid namespaces need root"), arguments: ["plain", "ignore", "reaper"])
    func asPIDOne(_ mode: String) throws {
        var spec = LaunchSpec(
            executable: "/usr/bin/unshare",
            arguments: ["unshare", "--pid", "--fork", "--mount-proc", host, mode, scratch.path])
        let administerSystem = try #require(Capability(number: 21))
        spec.capabilities = [administerSystem]
        try run(spec)
    }
}
