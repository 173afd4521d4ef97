import Glibc
import LodgeCore
import TestSupport
import Testing

@Suite struct FileLockTests {
    let scratch: ScratchDirectory
    init() throws { scratch = try ScratchDirectory() }

    @Test func excludesAndSaysWho() throws {
        let path = scratch("lock")
        #expect(FileLock.owner(path) == nil)
        let lock = try FileLock.acquire(path, operation: "start\nx", what: "it", context: .test())
        #expect(FileLock.isHeld(path))
        let owner = try #require(FileLock.owner(path))
        #expect(owner.pid == getpid() && owner.operation == "startx")
        #expect(abs(owner.since - Timestamp.now()) < 5)
        #expect(try isRefused(path))
        let error = #expect(throws: LodgeError.self) {
            _ = try FileLock.acquire(path, operation: "stop", what: "it", context: .test(.milliseconds(20)))
        }
        #expect(error?.code == .busy)
        #expect(error?.message.contains("held by process \(getpid()) for 'startx' since 20") == true)
        _ = consume lock
        #expect(!FileLock.isHeld(path))
        #expect(FileLock.owner(path) == nil)
    }

    @Test func aWaitIsCancelled() throws {
        let path = scratch("lock")
        let lock = try FileLock.acquire(path, operation: "a", what: "it", context: .test())
        let context = OperationContext.test()
        context.cancellation.cancel()
        let error = #expect(throws: LodgeError.self) {
            _ = try FileLock.acquire(path, operation: "stop", what: "it", context: context)
        }
        #expect(error?.code == .cancelled)
        _ = consume lock
    }

    @Test func aRemovedFileIsNoLock() throws {
        let path = scratch("lock")
        let lock = try FileLock.acquire(path, operation: "a", what: "it", context: .test())
        try lock.removeFile()
        #expect(try Directory.names(of: scratch.path) == [])
        #expect(try !isRefused(path))
    }

    private func isRefused(_ path: String) throws -> Bool {
        if try FileLock.tryAcquire(path, operation: "b") != nil { return false }
        return true
    }

    /// Many threads take a lock whose file its holder removes each time: never two at once.
    @Test func removalRacesAreHarmless() async throws {
        let path = scratch("lock"), counter = scratch("counter")
        try AtomicFile.write(Array("0".utf8), to: counter, durable: false)
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                group.addTask {
                    let pool = WorkerPool(threads: 1, namespace: nil)
                    try await pool.run { () throws(LodgeError) in
                        for _ in 0..<50 {
                            let lock = try FileLock.acquire(path, operation: "x", what: "it", context: .test())
                            let bytes = try AtomicFile.read(counter, limit: 10) ?? []
                            let value = Int(String(decoding: bytes, as: UTF8.self)) ?? -1
                            try AtomicFile.write(Array("\(value + 1)".utf8), to: counter, durable: false)
                            try lock.removeFile()
                        }
                    }
                    await pool.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try AtomicFile.read(counter, limit: 10) == Array("200".utf8))
    }
}
