import Foundation
import Lodge
import TestSupport
import Testing

/// Following a guest from a process, whatever that process does to its children.
@Suite struct SupervisionTests {
    @Test(arguments: ["plain", "ignore", "reaper"], [false, true])
    func restartsACrashedGuest(_ mode: String, asPID1: Bool) async throws {
        let scratch = try await ScratchHost.open()
        let program = try #require(Self.program("lodge-supervising-host"))
        let words = [program, mode, scratch.directory("supervised")]
        let process = Process()
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.executableURL = URL(fileURLWithPath: asPID1 ? "/usr/bin/unshare" : program)
        process.arguments = asPID1 ? ["--pid", "--fork", "--mount-proc"] + words : Array(words.dropFirst())
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(said == "ok\n")
        #expect(scratch.processes().isEmpty)
    }

    static func program(_ name: String) -> String? {
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        return [folder, Bundle.main.bundleURL.deletingLastPathComponent(), Bundle.main.bundleURL]
            .map { $0.appendingPathComponent(name).path }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    @Test func reportsWhatOthersDo() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let supervision = try await domain.supervise()
        let other = try await scratch.another()
        let same = try await other.domain("guest")
        let reader = Task {
            var kinds: [DomainEvent.Kind] = []
            for await event in supervision { kinds.append(event.kind) }
            return kinds
        }
        try await same.suspend()
        try await same.resume()
        try await same.destroy()
        #expect(await reader.value == [.suspended, .resumed, .stopped])
        #expect(try await scratch.summary(domain)?.reason == "destroyed")
    }

    @Test func onlyOneProcessSupervises() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let first = try await domain.supervise()
        let error = try #require(await failure { _ = try await scratch.another().domain("guest").supervise() })
        #expect(error.code == .busy && error.message.contains("\(getpid())"))
        first.cancel()
        #expect(try await domain.status().state == .running, "letting go of it ends nothing")
        let second = try await domain.supervise()
        second.cancel()
        try await domain.destroy()
    }

    @Test func aGuestThatEndsIsUndoneAtOnce() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        let supervision = try await domain.run()
        var kinds: [DomainEvent.Kind] = []
        for await event in supervision {
            kinds.append(event.kind)
            // What a guest's own power-off looks like to QEMU.
            if event.kind == .started { _ = try await domain.monitor(#"{"execute":"quit"}"#) }
        }
        #expect(kinds.first == .started && kinds.last == .stopped)
        #expect(!FileManager.default.fileExists(atPath: scratch.runDirectory(domain)))
        #expect(scratch.processes().isEmpty)
    }

    @Test func restartsAreBounded() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define(rest: "<on_crash>restart</on_crash>")
        var restarts = 0
        for await event in try await domain.run() where event.kind == .started || event.kind == .restarted {
            if event.kind == .restarted { restarts += 1 }
            if let pid = try await domain.info().pid { kill(pid, SIGKILL) }
        }
        #expect(restarts == 5)
        #expect(try await scratch.summary(domain)?.state == .crashed)
    }

    @Test func aTransientGuestIsRestartedToo() async throws {
        let scratch = try await ScratchHost.open()
        let xml = ScratchHost.xml("once", rest: "<on_crash>restart</on_crash>")
        let domain = try await scratch.host.create(xml: Array(xml.utf8), file: "once.xml")
        let first = try await scratch.pid(of: domain)
        let supervision = try await domain.supervise()
        kill(first, SIGKILL)
        for await event in supervision where event.kind == .restarted { break }
        #expect(try await scratch.pid(of: domain) != first)
        supervision.cancel()
        try await domain.destroy()
    }
}
