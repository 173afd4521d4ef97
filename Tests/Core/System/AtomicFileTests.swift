import CLinux
import Glibc
import LodgeCore
import TestSupport
import Testing

@Suite struct AtomicFileTests {
    let scratch: ScratchDirectory
    init() throws { scratch = try ScratchDirectory() }

    @Test func writesAndReads() throws {
        let path = scratch("file")
        #expect(try AtomicFile.read(path, limit: 10) == nil)
        for durable in [false, true] {
            try AtomicFile.write(Array("hello".utf8), to: path, durable: durable)
            #expect(try AtomicFile.read(path, limit: 5) == Array("hello".utf8))
        }
        try AtomicFile.write([], to: path, durable: false)
        #expect(try AtomicFile.read(path, limit: 5) == [])
        let large = [UInt8](repeating: 7, count: 100_000)
        try AtomicFile.write(large, to: path, durable: false)
        #expect(try AtomicFile.read(path, limit: 100_000) == large)
        #expect(try Directory.names(of: scratch.path) == ["file"])
        #expect(try AtomicFile.remove(path))
        #expect(try !AtomicFile.remove(path))
    }

    @Test func setsTheMode() throws {
        try AtomicFile.write([1], to: scratch("file"), mode: 0o640, durable: false)
        var status = stat()
        #expect(stat(scratch("file"), &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o640)
    }

    @Test func refusesWhatIsTooLargeOrNoFile() throws {
        try AtomicFile.write([1, 2, 3], to: scratch("file"), durable: false)
        #expect(throws: LodgeError.self) { try AtomicFile.read(scratch("file"), limit: 2) }
        #expect(mkfifo(scratch("fifo"), 0o600) == 0)
        #expect(throws: LodgeError.self) { try AtomicFile.read(scratch("fifo"), limit: 2) }
        #expect(throws: LodgeError.self) { try AtomicFile.read(scratch.path, limit: 2) }
        #expect(throws: LodgeError.self) { try AtomicFile.read("/dev/zero", limit: 2) }
    }

    @Test func readsFilesOfProc() throws {
        let bytes = try #require(try AtomicFile.read("/proc/self/status", limit: 1 << 20))
        #expect(String(decoding: bytes, as: UTF8.self).contains("Threads:"))
        #expect(throws: LodgeError.self) { try AtomicFile.read("/proc/self/status", limit: 20) }
    }

    @Test func leavesNothingWhenItFails() throws {
        #expect(mkdir(scratch("directory"), 0o700) == 0)
        #expect(mkdir(scratch("directory/in"), 0o700) == 0)
        #expect(throws: LodgeError.self) { try AtomicFile.write([1], to: scratch("directory"), durable: true) }
        #expect(try Directory.names(of: scratch.path) == ["directory"])
        #expect(throws: LodgeError.self) { try AtomicFile.write([1], to: scratch("absent/file"), durable: true) }
    }

    @Test func aFullDiskIsAnError() throws {
        let error = #expect(throws: LodgeError.self) { try AtomicFile.write([1], to: "/dev/full/x", durable: false) }
        #expect(error?.cause != nil)
    }

    @Test func removesWhatDeadWritersLeft() throws {
        let (left, busy) = (scratch(".tmp-left"), scratch(".tmp-busy"))
        for path in [left, busy, scratch("tmp-other")] { #expect(creat(path, 0o600) >= 0) }
        let writer = open(busy, O_RDWR)
        #expect(lodge_ofd_lock(writer, 1) == 0)
        try AtomicFile.removeLeftovers(in: scratch.path)
        #expect(try Directory.names(of: scratch.path)?.sorted() == [".tmp-busy", "tmp-other"])
        close(writer)
        try AtomicFile.removeLeftovers(in: scratch.path)
        #expect(try Directory.names(of: scratch.path) == ["tmp-other"])
        try AtomicFile.removeLeftovers(in: scratch("absent"))
    }

    @Test func directoriesGoWithoutFollowingLinks() throws {
        try Directory.make(scratch("a/b/c"))
        try AtomicFile.write([1], to: scratch("keep"), durable: false)
        #expect(symlink(scratch.path, scratch("a/b/link")) == 0)
        try Directory.remove(scratch("a"))
        try Directory.remove(scratch("a"))
        #expect(try Directory.names(of: scratch.path) == ["keep"])
    }
}
