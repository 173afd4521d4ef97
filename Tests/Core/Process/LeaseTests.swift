import CLinux
import Glibc
import TestSupport
import Testing

@testable import LodgeCore

@Suite struct LeaseTests {
    let scratch: ScratchDirectory
    let path: String
    init() throws {
        scratch = try ScratchDirectory()
        path = scratch("lease")
    }

    private func sleeper(_ script: String = "exec sleep 600") -> LaunchSpec {
        var spec = shell(script)
        spec.lease = .init(path: path, target: 40)
        return spec
    }

    @Test(arguments: featureTiers) func lastsAsLongAsTheProcess(_ features: KernelFeatures) throws {
        #expect(try Lease.state(at: path) == .missing)
        let process = try Launcher.launch(sleeper(), features: features)
        #expect(try Lease.state(at: path) == .held)
        let holder = try #require(try Lease.holder(at: path))
        #expect(holder.pid == process.identity.pid && holder.startTime == process.identity.startTime)
        #expect(process.identity.presence(features: features) == .alive)
        // Nobody starts another on the same lease.
        let error = #expect(throws: LodgeError.self) { _ = try Launcher.launch(sleeper(), features: features) }
        #expect(error?.code == .busy)
        #expect(try Lease.endHolder(at: path, recorded: process.identity, features: features, context: .test()))
        #expect(try Lease.state(at: path) == .free)
        #expect(process.identity.presence(features: features) == .gone)
        #expect(try !Lease.endHolder(at: path, recorded: process.identity, features: features, context: .test()))
        // A free lease is replaced by the next.
        let next = try Launcher.launch(sleeper(), features: features)
        #expect(try Lease.endHolder(at: path, features: features, context: .test()))
        #expect(next.pidfd.hasExited == true)
    }

    @Test func theProgramCannotWriteToItsLease() throws {
        let process = try Launcher.launch(sleeper("echo x >&40; exec sleep 600"), features: .underTest)
        usleep(100_000)
        #expect(try Lease.holder(at: path)?.pid == process.identity.pid)
        try Lease.endHolder(at: path, features: .underTest, context: .test())
    }

    @Test func endsByTermFirstWhenGivenGrace() throws {
        let polite = try Launcher.launch(
            sleeper("trap 'exit 5' TERM; echo ready > \(scratch("ready")); while :; do sleep 0.05; done"),
            features: .underTest)
        for _ in 0..<200 where try AtomicFile.read(scratch("ready"), limit: 10) == nil { usleep(10_000) }
        let descriptor = dup(polite.pidfd.descriptor)
        let copy = PidFD(taking: OwnedFD(taking: descriptor))
        try Lease.endHolder(at: path, grace: .seconds(5), features: .underTest, context: .test())
        let remembered = KernelFeatures.underTest.pidfdInfoExit ? ExitStatus.exited(5) : .unknown
        #expect(copy.exitStatus(features: .underTest) == remembered)
        let stubborn = try Launcher.launch(
            sleeper("trap '' TERM; exec sleep 600"), features: .underTest)
        usleep(100_000)
        #expect(
            try Lease.endHolder(at: path, grace: .milliseconds(50), features: .underTest, context: .test()))
        #expect(stubborn.pidfd.hasExited == true)
    }

    @Test func aWithdrawnLeaseIsOfNoUse() throws {
        let prepared = try Lease.Prepared(path: path)
        #expect(try !Lease.endHolder(at: path, features: .underTest, context: .test()))
        // What a child that comes late would find.
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o400)
        _ = prepared.name
    }

    /// A lease that names another process than its holder: nobody is hurt.
    @Test func aForgedHolderIsNotBelieved() throws {
        let innocent = try Launcher.launch(shell("exec sleep 600"), features: .underTest)
        defer { _ = try? innocent.pidfd.signal(SIGKILL) }
        let line = try #require(try AtomicFile.read("/proc/\(innocent.identity.pid)/stat", limit: 4096))
        try AtomicFile.write(line, to: path, durable: false)
        let file = open(path, O_RDONLY)
        #expect(lodge_ofd_lock(file, 0) == 0)
        let error = #expect(throws: LodgeError.self) {
            try Lease.endHolder(at: path, features: .underTest, context: .test())
        }
        #expect(error?.code == .invalidState)
        #expect(innocent.pidfd.hasExited == false)
        close(file)
        #expect(try !Lease.endHolder(at: path, features: .underTest, context: .test()))
        #expect(innocent.pidfd.hasExited == false)
        _ = try innocent.pidfd.signal(SIGKILL)
        try innocent.pidfd.wait("ending", context: .test())
        _ = innocent.pidfd.exitStatus(features: .underTest)
    }

    @Test func garbageIsNobody() throws {
        for text in ["", "12", "x (a) b", "-1 (a) S 1", "1 (a) S " + String(repeating: "1 ", count: 17)] {
            try AtomicFile.write(Array(text.utf8), to: path, durable: false)
            #expect(try Lease.holder(at: path) == nil)
        }
        let stat = "42 (a) ) (b) S " + (4...60).map { "\($0 == 22 ? 777 : $0)" }.joined(separator: " ")
        try AtomicFile.write(Array(stat.utf8), to: path, durable: false)
        #expect(try Lease.holder(at: path) == ProcessIdentity(pid: 42, startTime: 777))
        try AtomicFile.write([UInt8](repeating: 40, count: 10_000), to: path, durable: false)
        #expect(try Lease.holder(at: path) == nil)
    }

    @Test func heldByNobodyKnownTimesOut() throws {
        try AtomicFile.write([], to: path, durable: false)
        let file = open(path, O_RDONLY)
        #expect(lodge_ofd_lock(file, 0) == 0)
        let error = #expect(throws: LodgeError.self) {
            try Lease.endHolder(at: path, features: .underTest, context: .test(.milliseconds(50)))
        }
        #expect(error?.code == .timeout)
        close(file)
    }

    @Test func longPaths() throws {
        var directory = scratch.path
        for _ in 0..<12 { directory += "/" + String(repeating: "d", count: 100) }
        try Directory.make(directory)
        var spec = shell("exec sleep 600")
        spec.lease = .init(path: directory + "/lease", target: 3)
        _ = try Launcher.launch(spec, features: .underTest)
        #expect(try Lease.endHolder(at: directory + "/lease", features: .underTest, context: .test()))
    }

    @Test(arguments: featureTiers) func identities(_ features: KernelFeatures) throws {
        let process = try Launcher.launch(shell("exec sleep 600"), features: features)
        let identity = process.identity
        var other = identity
        other.startTime += 1
        other.inode = nil
        #expect(other.presence(features: features) == .replaced)
        other = identity
        other.namespace = 1
        #expect(other.presence(features: features) == .cannotTell)
        #expect(ProcessIdentity(pid: 0x3fff_fff0, startTime: 1).presence(features: features) == .gone)
        _ = try process.pidfd.signal(SIGKILL)
        try process.pidfd.wait("ending", context: .test())
        #expect(identity.presence(features: features) == .gone)
        _ = process.pidfd.exitStatus(features: features)
    }
}
