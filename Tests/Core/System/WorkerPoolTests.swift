import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LodgeCore

private final class Log: Sendable {
    private let state = Mutex<[Int]>([])
    func append(_ number: Int) { state.withLock { $0.append(number) } }
    var numbers: [Int] { state.withLock { $0 } }
}

private final class Gauge: Sendable {
    private let state = Mutex((now: 0, most: 0))
    func enter() {
        state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }
    func leave() { state.withLock { $0.now -= 1 } }
    var most: Int { state.withLock { $0.most } }
}

@Suite struct WorkerPoolTests {
    @Test func oneThreadKeepsTheOrder() async throws {
        let pool = WorkerPool(threads: 1, namespace: nil, idleTime: .seconds(600))
        let seen = Log()
        for number in 0..<100 { try await pool.run { seen.append(number) } }
        #expect(seen.numbers == Array(0..<100))
        #expect(pool.threadCount == 1)
        await pool.close()
        #expect(pool.threadCount == 0)
    }

    @Test func growsToItsLimitAndNoFurther() async throws {
        let pool = WorkerPool(threads: 3, namespace: nil)
        let gauge = Gauge()
        try await withThrowingTaskGroup { group in
            for _ in 0..<12 {
                group.addTask {
                    try await pool.run {
                        gauge.enter()
                        usleep(5000)
                        gauge.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(gauge.most == 3)
    }

    @Test func idleThreadsEnd() async throws {
        let pool = WorkerPool(threads: 2, namespace: nil, idleTime: .milliseconds(20))
        try await pool.run {}
        for _ in 0..<200 where pool.threadCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(pool.threadCount == 0)
        #expect(try await pool.run { 5 } == 5)
    }

    @Test func errorsComeBackAndAClosedPoolSaysSo() async throws {
        let pool = WorkerPool(threads: 2, namespace: nil)
        await #expect(throws: LodgeError.self) {
            try await pool.run { () throws(LodgeError) in throw LodgeError(.busy, "so") }
        }
        await pool.close()
        let error = await #expect(throws: LodgeError.self) { try await pool.run {} }
        #expect(error?.code == .invalidState)
    }

    @Test func cancellationReachesAWait() async throws {
        let pool = WorkerPool(threads: 1, namespace: nil)
        let task = Task {
            try await pool.run(deadline: .after(.seconds(600)), logger: OperationContext.test().logger) {
                context throws(LodgeError) in try context.pause(.seconds(600), "sleeping")
            }
        }
        try await Task.sleep(for: .milliseconds(30))
        task.cancel()
        // Without the cancellation it would come back in ten minutes, and without an error.
        let error = await #expect(throws: LodgeError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    @Test func signalsAreBlockedOnItsThreads() async throws {
        let pool = WorkerPool(threads: 1, namespace: nil)
        let blocked = try await pool.run { () -> [Bool] in
            var set = sigset_t()
            pthread_sigmask(SIG_BLOCK, nil, &set)
            return [SIGINT, SIGCHLD, SIGALRM, SIGSEGV].map { sigismember(&set, $0) == 1 }
        }
        #expect(blocked == [true, true, true, false])
    }

    @Test(.enabled(if: geteuid() == 0, "namespaces need root")) func livesInItsNamespace() async throws {
        let namespace = try NetworkNamespace.create()
        let here = try NetworkNamespace.current()
        #expect(namespace.cookie != here.cookie)
        let pool = WorkerPool(threads: 2, namespace: namespace)
        let (cookie, links) = try await pool.run { () throws(LodgeError) in
            let bytes = try AtomicFile.read("/proc/thread-self/net/dev", limit: 1 << 16) ?? []
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst(2)
            return (try NetworkNamespace.current().cookie, lines.count)
        }
        #expect(cookie == namespace.cookie && links == 1)
        #expect(try NetworkNamespace.current().cookie == here.cookie)
        let path = "/proc/self/fd/\(namespace.descriptor)"
        #expect(try NetworkNamespace.open(path: path).cookie == namespace.cookie)
        let inScratch = try await inScratchNamespace { try NetworkNamespace.current().cookie }
        #expect(inScratch != here.cookie && inScratch != namespace.cookie)
    }

    @Test func aThreadThatCannotEnterSaysSo() async throws {
        #expect(throws: LodgeError.self) { try NetworkNamespace.open(path: "/proc/self/ns/uts") }
        #expect(throws: LodgeError.self) { try NetworkNamespace.open(path: "/nonexistent") }
    }

    @Test func waitsEndByDeadline() throws {
        var pipe: [CInt] = [0, 0]
        #expect(Glibc.pipe(&pipe) == 0)
        let error = #expect(throws: LodgeError.self) {
            try OperationContext.test(.milliseconds(30)).wait(for: pipe[0], events: Int16(POLLIN), "reading")
        }
        #expect(error?.code == .timeout && error?.message == "timed out while reading")
        #expect(throws: LodgeError.self) {
            try OperationContext.test().wait(
                for: pipe[0], events: Int16(POLLIN), until: .after(.milliseconds(10)), "reading")
        }
        #expect(write(pipe[1], "x", 1) == 1)
        try OperationContext.test().wait(for: pipe[0], events: Int16(POLLIN), "reading")
        let cancelled = OperationContext.test()
        cancelled.cancellation.cancel()
        #expect(throws: LodgeError.self) { try cancelled.wait(for: pipe[0], events: Int16(POLLIN), "reading") }
        close(pipe[0])
        close(pipe[1])
    }

    @Test func timesReadAsISO8601() {
        #expect(Timestamp.text(0) == "1970-01-01T00:00:00Z")
        #expect(Timestamp.text(951_782_399) == "2000-02-28T23:59:59Z")
        #expect(Timestamp.text(951_782_400) == "2000-02-29T00:00:00Z")
        #expect(Timestamp.text(1_772_366_645) == "2026-03-01T12:04:05Z")
        #expect(Timestamp.text(-1) == "1969-12-31T23:59:59Z")
        #expect(!Timestamp.text(.max).isEmpty && !Timestamp.text(.min).isEmpty)
    }

    @Test func featuresCanOnlyBeTakenAway() {
        let detected = KernelFeatures.detected()
        #expect(detected.intersection(.none) == .none)
        #expect(detected.intersection(detected) == detected)
        #expect(detected.intersection(.debian12).socketPeerPidfd == false)
    }
}
