import FakeQEMU
import LodgeCore
import TestSupport
import Testing

@testable import LodgeQEMU

/// The monitor against a peer that does what QEMU will not do on cue.
@Suite struct QMPClientTests {
    private static let event = #"{"event":"NIC_RX_FILTER_CHANGED","timestamp":{"seconds":1,"microseconds":2}}"# + "\n"
    private static func stop(_ second: Int) -> String {
        #"{"event":"STOP","timestamp":{"seconds":\#(second),"microseconds":0}}"# + "\n"
    }

    /// Runs `body` with a client that is through its greeting.
    private func withClient(
        _ steps: [FakeQEMU.Step], _ body: (inout QMPClient) throws -> Void
    ) throws {
        let fake = try FakeQEMU([.greet, FakeQEMU.returning("{}")] + steps)
        var client = try QMPClient(socket: OwnedFD(taking: fake.client), context: .test())
        try body(&client)
    }

    private func failure(_ steps: [FakeQEMU.Step], _ time: Duration = .seconds(10)) throws -> LodgeError {
        var failure: LodgeError?
        try withClient(steps) { client in
            do { _ = try client.queryStatus(context: .test(time)) } catch { failure = error as? LodgeError }
            // Whatever went wrong, nothing more is said on this connection.
            if case .qmp? = failure?.cause {
            } else {
                #expect(throws: LodgeError.self) { try client.queryStatus(context: .test(.milliseconds(50))) }
            }
        }
        return try #require(failure)
    }

    @Test func readsAnAnswer() throws {
        try withClient([FakeQEMU.returning(#"{"status":"prelaunch","running":false}"#)]) { client in
            let status = try client.queryStatus(context: .test())
            #expect(status.state == .paused)
        }
    }

    @Test func sendsFewBytes() throws {
        let fake = try FakeQEMU([
            .greet, FakeQEMU.returning("{}"), FakeQEMU.returning(#"{"status":"running"}"#), FakeQEMU.returning("{}"),
        ])
        var client = try QMPClient(socket: OwnedFD(taking: fake.client), context: .test())
        _ = try client.queryStatus(context: .test())
        try client.cont(context: .test())
        #expect(fake.received.count == 3)
        #expect(fake.received.reduce(0) { $0 + $1.utf8.count } < 150, "\(fake.received)")
    }

    @Test func asksWithoutWaitingForTheEndOfNegotiation() throws {
        let fake = try FakeQEMU([
            .greet, FakeQEMU.returning("{}"), FakeQEMU.returning(#"{"status":"running"}"#),
        ])
        var client = try QMPClient(socket: OwnedFD(taking: fake.client), ahead: true, context: .test())
        let status = try client.queryStatus(context: .test())
        #expect(status.state == .running)
        #expect(fake.received.map { $0.contains("qmp_capabilities") } == [true, false])
    }

    @Test func silenceInsteadOfAGreetingMeansBusy() throws {
        let fake = try FakeQEMU([])
        let error = #expect(throws: LodgeError.self) {
            _ = try QMPClient(socket: OwnedFD(taking: fake.client), context: .test(.milliseconds(100)))
        }
        #expect(error?.code == .busy)
    }

    @Test func somethingElseThanAGreetingIsToldSo() throws {
        for text in ["SSH-2.0-OpenSSH_9.2\r\n", "{}\n", "[1]\n", "\u{0}\n"] {
            let fake = try FakeQEMU([.send(text)])
            let error = #expect(throws: LodgeError.self) {
                _ = try QMPClient(socket: OwnedFD(taking: fake.client), context: .test())
            }
            #expect(error?.code == .monitor)
        }
    }

    @Test func silenceIsATimeoutThatNamesTheCommand() throws {
        let error = try failure([], .milliseconds(100))
        #expect(error.code == .timeout)
        #expect("\(error)".contains("query-status"))
    }

    @Test func cancellationEndsAWait() throws {
        try withClient([]) { client in
            let context = OperationContext.test()
            context.cancellation.cancel()
            let error = #expect(throws: LodgeError.self) { try client.queryStatus(context: context) }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func aDrippingPeerIsWaitedForOnlyUntilTheDeadline() throws {
        let slow = String(repeating: " ", count: 10_000)
        var error: LodgeError?
        let time = try ContinuousClock().measure {
            error = try failure([.drip(slow, .milliseconds(1))], .milliseconds(200))
        }
        #expect(error?.code == .timeout)
        #expect(time < .seconds(2))
    }

    @Test func aDrippedAnswerIsReadWhole() throws {
        let answer = #"{"return":{"status":"running"},"id":2}"# + "\n"
        try withClient([.answer { _ in "" }, .drip(answer, .microseconds(10))]) { client in
            let status = try client.queryStatus(context: .test())
            #expect(status.state == .running)
        }
    }

    @Test func theEndInTheMiddleIsToldSo() throws {
        let error = try failure([.answer { _ in #"{"return":{"sta"# }, .close])
        #expect(error.code == .monitor)
        #expect("\(error)".contains("closed"))
        #expect(try failure([.answer { _ in "" }, .close]).code == .monitor)
    }

    @Test func aLineWithoutEndIsBounded() throws {
        let chunk = String(repeating: "x", count: 1 << 20)
        let error = try failure([.answer { _ in "" }, .flood(chunk, times: 20)])
        #expect("\(error)".contains("without an end of line"))
    }

    @Test func deepNestingAndTooManyValuesAreRefused() throws {
        for text in [
            String(repeating: "[", count: 100_000), String(repeating: #"{"a":"#, count: 100_000),
            "[" + String(repeating: "1,", count: 500_000) + "1]", "1e400", #"{"a":1,"a":2}"#, "\"\u{1}\"", "nul",
        ] {
            let error = try failure([.answer { _ in text + "\n" }])
            #expect(error.code == .monitor)
        }
    }

    @Test func answersToOthersAreLeftAlone() throws {
        let wrong = #"{"return":{"status":"running"},"id":99}"# + "\n"
        try withClient([.answer { _ in wrong + #"{"return":{"status":"paused"},"id":2}"# + "\n" }]) { client in
            let status = try client.queryStatus(context: .test())
            #expect(status.reason == "user")
        }
        #expect(try failure([.answer { _ in wrong }], .milliseconds(100)).code == .timeout)
    }

    @Test func aRefusalCarriesClassAndText() throws {
        try withClient([
            .answer { #"{"error":{"class":"GenericError","desc":"no, "},"id":\#(FakeQEMU.id(of: $0))}"# + "\n" },
            FakeQEMU.returning(#"{"status":"running"}"#),
        ]) { client in
            let error = #expect(throws: LodgeError.self) { try client.cont(context: .test()) }
            #expect(error?.cause == .qmp(class: "GenericError", text: "no, "))
            // A refusal is an answer: the conversation goes on.
            let status = try client.queryStatus(context: .test())
            #expect(status.state == .running)
        }
    }

    @Test func inAFloodOfEventsTheDecisiveOnesStay() throws {
        try withClient([
            .answer { _ in Self.stop(1) }, .flood(Self.event, times: 20_000), .send(Self.stop(2)),
            .send(#"{"return":{"status":"paused"},"id":2}"# + "\n"),
        ]) { client in
            _ = try client.queryStatus(context: .test())
            let events = client.takeEvents()
            #expect(events.count <= EventQueue.limit)
            #expect(events.filter { $0.name == "STOP" }.map(\.seconds) == [1, 2])
            #expect(client.takeEvents().isEmpty)
        }
    }

    @Test func aFloodOfDecisiveEventsIsBoundedAndKeepsTheNewest() {
        var queue = EventQueue()
        for second in 0..<5000 {
            let text = JSONValue.object([
                "event": .string(second % 2 == 0 ? "STOP" : "RESUME"),
                "timestamp": ["seconds": .integer(Int64(second)), "microseconds": 0],
            ])
            if let event = MonitorEvent(text) { queue.append(event, bytes: 100) }
        }
        #expect(queue.events.count == EventQueue.limit)
        #expect(queue.events.last?.seconds == 4999)
        #expect(queue.dropped == 5000 - EventQueue.limit)
    }

    @Test func anEventsDataIsBounded() throws {
        let big =
            #"{"event":"SHUTDOWN","timestamp":{"seconds":1,"microseconds":0},"data":{"x":""#
            + String(repeating: "y", count: 1 << 20) + "\"}}\n"
        try withClient([.answer { _ in big + #"{"return":{"status":"paused"},"id":2}"# + "\n" }]) { client in
            _ = try client.queryStatus(context: .test())
            #expect(client.takeEvents().map(\.data) == [.object([:])])
        }
    }

    @Test func passesThroughWhatTheCallerSays() throws {
        try withClient([
            FakeQEMU.returning(#"{"a":[1,2.5,null,"ü"]}"#),
            .answer { #"{"error":{"class":"CommandNotFound","desc":"?"},"id":\#(FakeQEMU.id(of: $0))}"# + "\n" },
        ]) { client in
            let reply = try client.passthrough(#" {"execute":"x","id":"mine"} "#, context: .test())
            #expect(reply == #"{"id":"mine","return":{"a":[1,2.5,null,"ü"]}}"#)
            let refused = try client.passthrough(#"{"execute":"y"}"#, context: .test())
            #expect(refused == #"{"error":{"class":"CommandNotFound","desc":"?"}}"#)
            for text in ["", "quit", "{}", "[]", #"{"execute":1}"#, #"{"execute":"a"}{"execute":"quit"}"#] {
                let error = #expect(throws: LodgeError.self) { try client.passthrough(text, context: .test()) }
                #expect(error?.code == .invalidArgument)
            }
        }
    }
}
