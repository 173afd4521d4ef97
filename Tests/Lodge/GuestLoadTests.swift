import Foundation
import Lodge
import Testing

/// What the next process makes of a guest after something happened behind everybody's back (docs/on-load.md).
@Suite struct GuestLoadTests {
    /// A running guest to which `harm` was done, and a new process's view of it. Loading twice changes nothing.
    private func afterwards(
        _ harm: (ScratchHost, Domain, pid_t) async throws -> Void
    ) async throws -> (ScratchHost, Domain, Host) {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        try await harm(scratch, domain, try await scratch.pid(of: domain))
        let next = try await scratch.another()
        let summaries = try await next.domains()
        let again = try await scratch.another()
        #expect(again.loadReport.allSatisfy { $0.outcome == .unknown })
        #expect(try await again.domains() == summaries)
        return (scratch, domain, next)
    }

    private func record(_ scratch: ScratchHost, _ domain: Domain) -> URL {
        URL(fileURLWithPath: scratch.runDirectory(domain) + "/status.json")
    }

    private func edit(_ file: URL, _ change: (inout [String: Any]) -> Void) throws {
        var object = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        change(&object)
        try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys]).write(to: file)
    }

    @Test func untouchedItIsActive() async throws {
        let (scratch, domain, next) = try await afterwards { _, _, _ in }
        #expect(next.loadReport.isEmpty)
        #expect(try await scratch.summary(domain, on: next)?.state == .running)
        #expect(try await next.domain("guest").status() == DomainStatus(.running, "booted"))
    }

    @Test func killedWithNobodyWatchingItIsCrashedAndUndone() async throws {
        let (scratch, domain, next) = try await afterwards { _, _, pid in
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
        #expect(next.loadReport.map(\.outcome) == [.undone])
        #expect(try await scratch.summary(domain, on: next)?.state == .crashed)
        #expect(!FileManager.default.fileExists(atPath: scratch.runDirectory(domain)))
        try await next.domain("guest").start()
        try await next.domain("guest").destroy()
    }

    @Test func aZombieCountsAsDead() async throws {
        let (scratch, domain, next) = try await afterwards { _, _, pid in
            kill(pid, SIGKILL)
            // Nobody reaps it before load looks. All its threads have to be gone, not only the first.
            let isDead = try await eventually { try PidFD.open(pid: pid)?.hasExited ?? false }
            #expect(isDead)
        }
        #expect(try await scratch.summary(domain, on: next)?.state == .crashed)
    }

    @Test func stoppedBySignalItIsUnresponsiveActiveAndCanBeDestroyed() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let pid = try await scratch.pid(of: domain)
        kill(pid, SIGSTOP)
        let next = try await scratch.another()
        #expect(try await scratch.summary(domain, on: next)?.state == .running, "the record is all that list reads")
        let status = try await next.domain("guest").status()
        #expect(status.state == .unresponsive && status.note?.contains("\(pid)") == true)
        #expect(await failure { try await domain.start() }?.code == .invalidState)
        try await next.domain("guest").destroy()
        #expect(try await scratch.summary(domain, on: next)?.state == .shutOff)
    }

    @Test func aReusedPIDIsNobodyElsesBusiness() async throws {
        let bystander = Process()
        bystander.executableURL = URL(fileURLWithPath: "/bin/sleep")
        bystander.arguments = ["900"]
        try bystander.run()
        defer { bystander.terminate() }
        let (scratch, domain, next) = try await afterwards { scratch, domain, pid in
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            try edit(record(scratch, domain)) { object in
                var process = object["process"] as? [String: Any] ?? [:]
                process["pid"] = Int(bystander.processIdentifier)
                object["process"] = process
            }
        }
        #expect(try await scratch.summary(domain, on: next)?.state == .crashed)
        #expect(bystander.isRunning)
    }

    @Test(arguments: ["", "{", "{\"schema\":1}", "\u{0}\u{0}", "[1,2"])
    func aTruncatedRecordMakesItUnknownAndNeverStartedTwice(_ text: String) async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let pid = try await scratch.pid(of: domain)
        try Data(text.utf8).write(to: record(scratch, domain))
        let next = try await scratch.another()
        #expect(next.loadReport.map(\.outcome) == [.unknown])
        #expect(try await scratch.summary(domain, on: next)?.state == .unknown)
        let error = try #require(await failure { try await next.domain("guest").start() })
        #expect(error.code == .invalidState && error.hint != nil)
        #expect(kill(pid, 0) == 0, "the guest runs on")
    }

    @Test func aRecordOfAnotherBootIsVoid() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let pid = try await scratch.pid(of: domain)
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        try edit(record(scratch, domain)) { $0["boot"] = "00000000-0000-0000-0000-000000000000" }
        let next = try await scratch.another()
        #expect(try await scratch.summary(domain, on: next)?.state == .shutOff)
        #expect(!FileManager.default.fileExists(atPath: scratch.runDirectory(domain)))
    }

    @Test func aRecordFromANewerVersionIsLeftAlone() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let file = record(scratch, domain)
        try edit(file) { $0["schema"] = 2 }
        let before = try Data(contentsOf: file)
        let next = try await scratch.another()
        let summary = try #require(try await scratch.summary(domain, on: next))
        #expect(summary.state == .unknown && summary.note?.contains("newer") == true)
        #expect(await failure { try await next.domain("guest").start() }?.code == .invalidState)
        #expect(try Data(contentsOf: file) == before)
    }

    @Test func itIsActiveFromAnotherNamespaceToo() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        let elsewhere = try await Host.open(
            try ScratchHost.options(scratch.directory, try NetworkNamespace.create()))
        #expect(try await scratch.summary(domain, on: elsewhere)?.state == .running)
        try await elsewhere.domain("guest").destroy()
        #expect(try await scratch.summary(domain)?.state == .shutOff)
    }

    @Test func theMonitorWinsOverTheRecord() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        try await domain.start()
        try edit(record(scratch, domain)) { object in
            object["state"] = "paused"
            object["reason"] = "user"
        }
        let next = try await scratch.another()
        #expect(try await next.domain("guest").status().state == .running)
        #expect(try await scratch.summary(domain, on: next)?.state == .running, "and the record follows")
        try await domain.destroy()
    }
}
