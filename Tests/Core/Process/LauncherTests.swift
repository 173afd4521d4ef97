import CLibCapNG
import FoundationEssentials
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import LodgeCore

/// Every test of launching runs with what this kernel has, with what Debian 12's has, and with nothing new at all.
let featureTiers: [KernelFeatures] = [.underTest, .underTest.intersection(.debian12), .none]

func shell(_ script: String, _ arguments: String...) -> LaunchSpec {
    LaunchSpec(executable: "/bin/sh", arguments: ["sh", "-c", script, "sh"] + arguments)
}

func output(of spec: LaunchSpec, _ features: KernelFeatures) throws -> String {
    let result = try Launcher.run(spec, outputLimit: 1 << 20, context: .test(), features: features)
    #expect(result.status.isSuccess, "\(result.words)")
    return String(decoding: result.output, as: UTF8.self)
}

@Suite struct LauncherTests {
    let scratch: ScratchDirectory
    init() throws { scratch = try ScratchDirectory() }

    @Test(arguments: featureTiers) func handsOverArgumentsAndEnvironment(_ features: KernelFeatures) throws {
        var spec = shell("printf '%s|' \"$@\"; env; pwd; umask; ulimit -c", "a b", "", "ü\n'")
        spec.environment = ["X=1", "PATH=/usr/bin:/bin"]
        let lines = try output(of: spec, features)
        #expect(lines.hasPrefix("a b||ü\n'|"))
        #expect(lines.contains("X=1\n") && !lines.contains("HOME="))
        #expect(lines.hasSuffix("\n/\n0077\n0\n"))
    }

    @Test(arguments: featureTiers) func movesAnyPermutationAndClosesTheRest(_ features: KernelFeatures) throws {
        let files = try (0..<4).map { index in
            try AtomicFile.write(Array("\(index)".utf8), to: scratch("\(index)"), durable: false)
            return open(scratch("\(index)"), O_RDONLY)
        }
        // One that is not close-on-exec and not asked for.
        let stray = open("/dev/null", O_RDONLY)
        defer { for file in files + [stray] { close(file) } }
        // A rotation, in which each source is another's target where the numbers allow.
        var spec = shell("for n in $(ls /proc/self/fd); do echo $n; done; for n in \"$@\"; do cat <&$n; done")
        spec.executable = "/bin/bash"
        spec.arguments[0] = "bash"
        let rotated = Array(files.dropFirst()) + [files[0]]
        spec.descriptors = zip(files, rotated).map { .init(source: $0, target: $1) }
        spec.arguments += rotated.map { "\($0)" }
        let words = try output(of: spec, features).split(separator: "\n").map(String.init)
        #expect(words.last == "0123")
        // `ls` has one of its own for the directory.
        let numbers = Set(words.dropLast().compactMap { Int32($0) })
        let expected = Set([0, 1, 2] + files)
        #expect(numbers.isSuperset(of: expected) && numbers.count == expected.count + 1)
        #expect(expected.contains(stray) == false && (numbers.subtracting(expected).first ?? 0) < 1000)
    }

    @Test(arguments: featureTiers) func givesACleanProcess(_ features: KernelFeatures) throws {
        // What the host ignores, blocks and handles must not show in the child.
        let old = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, old) }
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        var before = sigset_t()
        pthread_sigmask(SIG_BLOCK, &set, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        var spec = LaunchSpec(executable: "/bin/cat", arguments: ["cat", "/proc/self/status", "/proc/self/stat"])
        let status = try output(of: spec, features)
        func field(_ name: String) -> String {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
            return line.dropFirst(name.count + 1).filter { $0 != "\t" && $0 != " " }
        }
        for name in ["SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff", "CapAmb"] {
            #expect(field(name) == "0000000000000000", "\(name)")
        }
        if geteuid() == 0 { #expect(field("CapBnd") == "0000000000000000") }
        #expect(field("NoNewPrivs") == "1")
        // pid, group and session are one number.
        let stat = try #require(status.split(separator: "\n").last).split(separator: " ")
        #expect(stat[0] == stat[4] && stat[0] == stat[5])
        spec.noNewPrivileges = false
        #expect(try output(of: spec, features).contains("NoNewPrivs:\t0"))
        // And the caller has its own back.
        var after = sigset_t()
        pthread_sigmask(SIG_BLOCK, nil, &after)
        for number in 1...64 where number != SIGUSR1 {
            #expect(sigismember(&after, CInt(number)) == sigismember(&before, CInt(number)))
        }
        #expect(sigismember(&after, SIGUSR1) == 1)
    }

    @Test(.enabled(if: geteuid() == 0, "capabilities need root"), arguments: featureTiers)
    func keepsTheCapabilitiesThatAreAskedFor(_ features: KernelFeatures) throws {
        var spec = LaunchSpec(executable: "/bin/cat", arguments: ["cat", "/proc/self/status"])
        spec.capabilities = [.administerNetwork, .bindLowPorts]
        let status = try output(of: spec, features)
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(status.contains("\(name):\t0000000000001400"), "\(name)")
        }
    }

    /// From outside, with libcap-ng's own eyes.
    @Test(arguments: featureTiers) func hasNoCapabilitiesSeenFromOutside(_ features: KernelFeatures) throws {
        func sets(_ pid: Int32) -> [capng_results_t] {
            capng_clear(CAPNG_SELECT_ALL)
            capng_setpid(pid)
            #expect(capng_get_caps_process() == 0)
            let ambient = capng_have_capabilities(CAPNG_SELECT_AMBIENT)
            let bounding = capng_have_capabilities(CAPNG_SELECT_BOUNDS)
            return [capng_have_capabilities(CAPNG_SELECT_CAPS), ambient] + (geteuid() == 0 ? [bounding] : [])
        }
        let process = try Launcher.launch(
            LaunchSpec(executable: "/bin/sleep", arguments: ["sleep", "600"]), features: features)
        #expect(sets(process.identity.pid).allSatisfy { $0 == CAPNG_NONE })
        if geteuid() == 0 { #expect(sets(getpid()).contains { $0 != CAPNG_NONE }) }
        _ = try process.pidfd.signal(SIGKILL)
        try process.pidfd.wait("ending", context: .test())
        _ = process.pidfd.exitStatus(features: features)
    }

    @Test(arguments: featureTiers) func saysWhichStepFailed(_ features: KernelFeatures) throws {
        func failure(_ spec: LaunchSpec) -> LodgeError? {
            #expect(throws: LodgeError.self) { _ = try Launcher.launch(spec, features: features) }
        }
        var spec = LaunchSpec(executable: "/nonexistent", arguments: ["x"])
        #expect(failure(spec)?.message == "cannot start '/nonexistent': it could not execute it")
        #expect(failure(spec)?.cause == .errno(.noSuchFileOrDirectory, call: "execve"))
        spec.executable = "/etc/passwd"
        #expect(failure(spec)?.cause == .errno(.permissionDenied, call: "execve"))
        spec.executable = "/bin/true"
        spec.descriptors = [.init(source: 9999, target: 5)]
        #expect(failure(spec)?.cause == .errno(.badFileDescriptor, call: "dup3"))
        spec.descriptors = []
        spec.lease = .init(path: scratch("absent/lease"), target: 9)
        #expect(failure(spec)?.code == .notFound)
        spec.lease = .init(path: scratch("lease"), target: 9)
        spec.executable = "/nonexistent"
        _ = failure(spec)
        #expect(try Directory.names(of: scratch.path) == [])
    }

    @Test func refusesWhatCannotBeHandedOver() throws {
        func refuses(_ change: (inout LaunchSpec) -> Void) {
            var spec = LaunchSpec(executable: "/bin/true", arguments: ["true"])
            change(&spec)
            let error = #expect(throws: LodgeError.self) { _ = try Launcher.launch(spec, features: .underTest) }
            #expect(error?.code == .invalidArgument)
        }
        refuses { $0.executable = "true" }
        refuses { $0.arguments = [] }
        refuses { $0.arguments.append("a\0b") }
        refuses { $0.environment = ["nothing"] }
        refuses { $0.environment = ["=x"] }
        refuses { $0.descriptors = [.init(source: 0, target: 2)] }
        refuses { $0.descriptors = [.init(source: 0, target: -1)] }
        refuses { $0.descriptors = [.init(source: 0, target: 5), .init(source: 1, target: 5)] }
        refuses {
            $0.descriptors = [.init(source: 0, target: 5)]
            $0.lease = .init(path: "/tmp/x", target: 5)
        }
    }

    @Test(arguments: featureTiers) func identityAndStatus(_ features: KernelFeatures) throws {
        let process = try Launcher.launch(shell("kill -9 $$"), features: features)
        #expect(process.identity.pid > 0 && process.identity.startTime > 0)
        #expect((process.identity.inode != nil) == features.pidfdInode)
        try process.pidfd.wait("waiting", context: .test())
        #expect(process.pidfd.hasExited == true)
        // A zombie counts as dead, before and after it is reaped.
        #expect(process.identity.presence(features: features) == .gone)
        #expect(process.pidfd.exitStatus(features: features) == .signaled(SIGKILL))
        #expect(process.identity.presence(features: features) == .gone)
        #expect(try !process.pidfd.signal(SIGTERM))

        let other = try Launcher.launch(shell("exit 7"), features: features)
        try other.pidfd.wait("waiting", context: .test())
        #expect(other.pidfd.exitStatus(features: features) == .exited(7))
        // Asked again it is nobody's child any more: the kernel may remember.
        let again = other.pidfd.exitStatus(features: features)
        #expect(again == (features.pidfdInfoExit ? .exited(7) : .unknown))
    }

    @Test func manyAtOnce() async throws {
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    let pool = WorkerPool(threads: 1, namespace: nil)
                    try await pool.run { () throws(LodgeError) in
                        for _ in 0..<20 {
                            var spec = LaunchSpec(executable: "/bin/echo", arguments: ["echo", "\(worker)"])
                            spec.environment = []
                            let result = try Launcher.run(
                                spec, outputLimit: 100, context: .test(), features: featureTiers[worker % 3])
                            guard result.status.isSuccess, result.output == Array("\(worker)\n".utf8) else {
                                throw LodgeError(.system, "\(result)")
                            }
                        }
                    }
                    await pool.close()
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func findsPrograms() {
        #expect(Launcher.find("sh", searchPath: ["/nonexistent", "/bin"]) == "/bin/sh")
        #expect(Launcher.find("/bin/sh", searchPath: []) == "/bin/sh")
        #expect(Launcher.find("sh", searchPath: ["relative"]) == nil)
        #expect(Launcher.find("passwd", searchPath: ["/etc"]) == nil)
    }
}

@Suite struct HelperTests {
    @Test(arguments: featureTiers) func collectsBothAndFeedsInput(_ features: KernelFeatures) throws {
        let result = try Launcher.run(
            shell("cat; echo oops >&2; exit 3"), input: Array("in\n".utf8), outputLimit: 100, context: .test(),
            features: features)
        #expect(result.output == Array("in\n".utf8) && result.errors == Array("oops\n".utf8))
        #expect(result.status == .exited(3) && result.words == "oops" && !result.isTruncated)
    }

    @Test func boundsTheOutput() throws {
        let result = try Launcher.run(
            shell("head -c 5000000 /dev/zero"), outputLimit: 1000, context: .test(), features: .underTest)
        #expect(result.output.count == 1000 && result.isTruncated && result.status.isSuccess)
        let large = try Launcher.run(
            shell("head -c 5000000 /dev/zero"), outputLimit: 6_000_000, context: .test(), features: .underTest)
        #expect(large.output.count == 5_000_000 && !large.isTruncated)
    }

    @Test func isKilledPastItsDeadline() throws {
        let start = ContinuousClock.now
        let error = #expect(throws: LodgeError.self) {
            _ = try Launcher.run(
                shell("sleep 300"), outputLimit: 10, context: .test(.milliseconds(100)), features: .underTest)
        }
        #expect(error?.code == .timeout && ContinuousClock.now - start < .seconds(100))
    }

    @Test func doesNotWaitForWhatItLeavesBehind() throws {
        let start = ContinuousClock.now
        let result = try Launcher.run(
            shell("sleep 60 & echo x"), outputLimit: 10, context: .test(), features: .underTest)
        #expect(result.output == Array("x\n".utf8) && ContinuousClock.now - start < .seconds(50))
    }
}
