import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LodgeCore

private final class Counter: Sendable {
    private let state = Mutex(0)
    @discardableResult
    func add() -> Int {
        state.withLock {
            $0 += 1
            return $0
        }
    }
    var value: Int { state.withLock { $0 } }
}

private func eventually(_ condition: () -> Bool) async throws {
    for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(5)) }
    #expect(condition())
}

@Suite struct EventLoopTests {
    @Test func callsUntilDone() async throws {
        let loop = EventLoop()
        var pipe: [CInt] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        let counter = Counter()
        _ = try loop.watch(pipe[0], events: Int16(POLLIN)) { events in
            #expect(events & UInt32(POLLIN) != 0)
            return counter.add() < 3 ? .more : .done
        }
        #expect(throws: LodgeError.self) { _ = try loop.watch(pipe[0], events: Int16(POLLIN)) { _ in .done } }
        #expect(counter.value == 0)
        #expect(write(pipe[1], "x", 1) == 1)
        try await eventually { counter.value == 3 && loop.count == 0 }
        try await Task.sleep(for: .milliseconds(20))
        #expect(counter.value == 3)
        // A second life after having been idle.
        let token = try loop.watch(pipe[0], events: Int16(POLLIN)) { _ in
            counter.add()
            return .more
        }
        try await eventually { counter.value > 5 }
        loop.cancel(token)
        loop.cancel(token)
        try await Task.sleep(for: .milliseconds(20))
        let last = counter.value
        try await Task.sleep(for: .milliseconds(20))
        #expect(counter.value == last && loop.count == 0)
        close(pipe[0])
        close(pipe[1])
    }

    @Test func tellsOfADeath() async throws {
        let loop = EventLoop()
        let counter = Counter()
        let process = try Launcher.launch(shell("sleep 0.1"), features: .underTest)
        _ = try loop.watch(process.pidfd.descriptor, events: Int16(POLLIN)) { _ in
            counter.add()
            return .done
        }
        try await eventually { counter.value == 1 }
        #expect(process.pidfd.exitStatus(features: .underTest) == .exited(0))
    }

    @Test func aBadDescriptorIsAnError() {
        let loop = EventLoop()
        #expect(throws: LodgeError.self) { _ = try loop.watch(9999, events: Int16(POLLIN)) { _ in .done } }
        #expect(loop.count == 0)
    }
}

@Suite struct UnixSocketTests {
    let scratch: ScratchDirectory
    init() throws { scratch = try ScratchDirectory() }

    @Test(arguments: featureTiers) func longPathsAndPeers(_ features: KernelFeatures) throws {
        var directory = scratch.path
        for _ in 0..<10 { directory += "/" + String(repeating: "d", count: 100) }
        try Directory.make(directory)
        let path = directory + "/socket"
        let missing = #expect(throws: LodgeError.self) { _ = try UnixSocket.connect(path, context: .test()) }
        #expect(missing?.code == .notFound)
        var listener: OwnedFD? = try UnixSocket.listen(path)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let client = try UnixSocket.connect(path, context: .test())
        try OperationContext.test().wait(for: listener?.raw ?? -1, events: Int16(POLLIN), "accepting")
        guard let server = try UnixSocket.accept(listener?.raw ?? -1) else { return #expect(Bool(false)) }
        if try UnixSocket.accept(listener?.raw ?? -1) != nil { Issue.record("accepted twice") }
        #expect(UnixSocket.peerPID(client.raw) == getpid() && UnixSocket.peerPID(server.raw) == getpid())
        guard let peer = try UnixSocket.peer(server.raw, features: features) else { return #expect(Bool(false)) }
        #expect(peer.hasExited == false)
        listener = nil
        let refused = #expect(throws: LodgeError.self) { _ = try UnixSocket.connect(path, context: .test()) }
        #expect(refused?.code == .notFound)
        // What a dead listener left is replaced.
        _ = try UnixSocket.listen(path)
    }

    @Test func aFullBacklogIsBusyNotDead() throws {
        let path = scratch("socket")
        let listener = try UnixSocket.listen(path, backlog: 0)
        let first = try UnixSocket.connect(path, context: .test())
        let error = #expect(throws: LodgeError.self) {
            _ = try UnixSocket.connect(path, until: .after(.milliseconds(50)), context: .test())
        }
        #expect(error?.code == .busy)
        _ = first.raw + listener.raw
    }

    @Test func refusesWhatIsNoSocket() throws {
        try AtomicFile.write([1], to: scratch("file"), durable: false)
        #expect(throws: LodgeError.self) { _ = try UnixSocket.listen(scratch("file")) }
        #expect(throws: LodgeError.self) { _ = try UnixSocket.listen(scratch(String(repeating: "n", count: 100))) }
        #expect(throws: LodgeError.self) { _ = try UnixSocket.connect(scratch("a\0b"), context: .test()) }
    }
}
