import Foundation
import Lodge
import Testing

/// Several hosts on one root: what one does the others see, and nothing is done twice.
@Suite struct ManyHostsTests {
    @Test func aGuestIsStartedOnceHoweverManyTry() async throws {
        let scratch = try await ScratchHost.open()
        _ = try await scratch.define()
        var hosts: [Host] = []
        for _ in 0..<4 { hosts.append(try await scratch.another()) }
        let outcomes = await withTaskGroup(of: LodgeError?.self) { group in
            for host in hosts {
                group.addTask { await failure { try await host.domain("guest").start() } }
            }
            return await group.reduce(into: [LodgeError?]()) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == 1)
        #expect(outcomes.compactMap { $0 }.allSatisfy { $0.code == .invalidState })
        #expect(scratch.processes().count == 1)
        try await scratch.host.domain("guest").destroy()
    }

    @Test func severalGuestsStartAtOnceInOneProcess() async throws {
        let scratch = try await ScratchHost.open()
        var domains: [Domain] = []
        for index in 0..<6 { domains.append(try await scratch.define("guest\(index)")) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for domain in domains { group.addTask { try await domain.start() } }
            try await group.waitForAll()
        }
        let summaries = try await scratch.host.domains()
        #expect(summaries.count == 6 && summaries.allSatisfy { $0.state == .running })
        #expect(Set(summaries.compactMap(\.id)) == Set(1...6), "no number is given twice")
        for domain in domains { try await domain.destroy() }
        #expect(scratch.processes().isEmpty)
    }

    @Test func aCancelledStartLeavesNothing() async throws {
        let scratch = try await ScratchHost.open()
        let domain = try await scratch.define()
        for delay in [0, 5, 15, 30, 60] {
            let task = Task { await failure { try await domain.start() } }
            try await Task.sleep(for: .milliseconds(delay))
            task.cancel()
            if let error = await task.value {
                #expect(error.code == .cancelled, "\(error)")
                #expect(scratch.processes().isEmpty)
                #expect(try await scratch.summary(domain)?.state == .shutOff)
            } else {
                try await domain.destroy()
            }
        }
    }
}
