import FoundationEssentials
import Testing

@testable import LodgeCore

private func record(_ phase: StatusRecord.Phase) -> StatusRecord {
    StatusRecord(boot: "b", kind: .domain, uuid: UUID(), name: "a", persistent: true, phase: phase)
}

private let leases: [Lease.State] = [.missing, .free, .held]
private let processes: [ProcessPresence?] = [.alive, .gone, .replaced, .cannotTell, nil]

@Suite struct ReconcileTests {
    /// A running domain, whole: a row a process, a column a lease (missing, free, held).
    @Test func runningDomains() {
        let lost = Verdict.unknown("its process lives, and its lease is not held")
        func hidden(_ lease: String) -> Verdict {
            .unknown("its lease is \(lease), and whether its process lives cannot be seen from here")
        }
        func unnamed(_ lease: String) -> Verdict { .unknown("its lease is \(lease), and its record names no process") }
        let ended = Verdict.undo("crashed")
        let table: [(ProcessPresence?, [Verdict])] = [
            (.alive, [lost, lost, .active]),
            (.gone, [ended, ended, ended]),
            (.replaced, [ended, ended, ended]),
            (.cannotTell, [hidden("not held"), hidden("not held"), hidden("held")]),
            (nil, [unnamed("not held"), unnamed("not held"), unnamed("held")]),
        ]
        #expect(table.map(\.0) == processes)
        for (process, row) in table {
            for (lease, expected) in zip(leases, row) {
                let verdict = reconcile(.record(record(.running)), lease: lease, process: process)
                #expect(verdict == expected, "\(lease) \(String(describing: process))")
            }
        }
    }

    @Test func aDomainThatWasAskedToShutDownDid() {
        var asked = record(.running)
        asked.reason = StatusRecord.askedToShutDown
        #expect(reconcile(.record(asked), lease: .free, process: .gone) == .undo("shutdown"))
        #expect(reconcile(.record(asked), lease: .held, process: .alive) == .active)
    }

    /// Nothing that was being made or taken away is kept, whatever there is of it.
    @Test func domainsInBetween() {
        var stopping = record(.stopping)
        for lease in leases {
            for process in processes {
                #expect(reconcile(.record(record(.preparing)), lease: lease, process: process) == .undo("failed"))
                stopping.reason = nil
                #expect(reconcile(.record(stopping), lease: lease, process: process) == .undo("destroyed"))
                stopping.reason = "shutdown"
                #expect(reconcile(.record(stopping), lease: lease, process: process) == .undo("shutdown"))
            }
        }
    }

    /// Without a sound record of this boot a domain is never active, and never inactive while its lease is held.
    @Test func domainsWithoutASoundRecord() {
        for lease in leases {
            for process in processes {
                func verdict(_ reading: RecordReading) -> Verdict { reconcile(reading, lease: lease, process: process) }
                func isUnknown(_ verdict: Verdict) -> Bool { if case .unknown = verdict { true } else { false } }
                if lease == .held {
                    #expect(isUnknown(verdict(.absent)) && isUnknown(verdict(.otherBoot(record(.running)))))
                } else {
                    #expect(verdict(.absent) == .inactive)
                    #expect(verdict(.otherBoot(record(.running))) == .undo("unknown"))
                }
                #expect(isUnknown(verdict(.unreadable("x"))) && isUnknown(verdict(.newerSchema(2))))
            }
        }
    }
}

@Suite struct RecordReadingTests {
    private func text(_ change: (String) -> String = { $0 }) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var sample = record(.running)
        sample.resources = [.tcpPort(5900)]
        sample.process = ProcessIdentity(pid: 1, startTime: 2)
        return Array(change(String(decoding: try encoder.encode(sample), as: UTF8.self)).utf8)
    }

    @Test func judges() throws {
        guard case .record = RecordReading(try text(), boot: "b") else { return #expect(Bool(false)) }
        guard case .otherBoot = RecordReading(try text(), boot: "c") else { return #expect(Bool(false)) }
        let newer = try text { $0.replacing("\"schema\":1", with: "\"schema\":2,\"more\":{\"x\":[]}") }
        #expect(RecordReading(newer, boot: "b") == .newerSchema(2))
    }

    @Test(arguments: [
        ("{", "{\"phase\":\"running\","), ("\"schema\":1", "\"schema\":1,\"schema\":2"),
        ("\"schema\":1", "\"schema\":1,\"unknown\":2"), ("\"schema\":1", "\"schema\":0"),
        ("\"schema\":1", "\"schema\":\"1\""), ("\"schema\":1", "\"schema\":1e400"),
        ("\"schema\":1", "\"schema\":1.5"), ("\"schema\":1,", ""), ("\"port\":5900", "\"port\":5900,\"x\":1"),
        ("\"port\":5900", "\"port\":99999999999999999999"), ("\"port\":5900", "\"port\":5900,\"port\":5901"),
        ("\"type\":\"tcp\"", "\"type\":\"other\""), ("\"type\":\"tcp\"", "\"type\":\"tcp\",\"t\\u0079pe\":\"tcp\""),
        ("\"pid\":1", "\"pid\":-1"), ("\"pid\":1", "\"pid\":1,\"x\":0"), ("\"name\":\"a\"", "\"name\":\"../x\""),
        ("\"uuid\":\"", "\"uuid\":\"x"), ("running", "dancing"),
        ("\"resources\":[", "\"resources\":[[[[[[[[[[[[[[[[[[[["), ("}", ""),
    ])
    func refuses(_ old: String, _ new: String) throws {
        let bytes = try text { $0.replacing(old, with: new) }
        guard case .unreadable(let why) = RecordReading(bytes, boot: "b") else { return #expect(Bool(false)) }
        #expect(!why.isEmpty)
    }

    @Test func refusesEveryTruncation() throws {
        let whole = try text()
        for length in 0..<whole.count {
            guard case .unreadable = RecordReading(Array(whole[..<length]), boot: "b") else {
                Issue.record("\(length) bytes were accepted")
                continue
            }
        }
    }

    @Test func survivesAnyByte() throws {
        let whole = try text()
        for index in whole.indices {
            for byte: UInt8 in [0, 0x22, 0x5c, 0x7b, 0x5d, 0xff, 0x30] {
                var bytes = whole
                bytes[index] = byte
                _ = RecordReading(bytes, boot: "b")
            }
        }
        let nested = [UInt8](repeating: UInt8(ascii: "["), count: 60_000)
        #expect(RecordReading(nested, boot: "b") == .unreadable("nested too deeply"))
        let large = [UInt8](repeating: 0x20, count: 70_000)
        #expect(RecordReading(large, boot: "b") == .unreadable("larger than allowed"))
    }

    @Test func readsEscapesAndNumbers() throws {
        func json(_ text: String) throws -> RecordJSON { try RecordJSON(Array(text.utf8), limit: 1000) }
        var fields = try RecordJSON.Fields(
            try json(
                #"""
                 { "a" : "\u0041\ud83d\ude00\/", "n":-9223372036854775807, "m":18446744073709551615, "z":null,
                   "t":true, "x":[1.5e-3,[],{}] }
                """#), "")
        #expect(try fields.string("a") == "A😀/")
        #expect(try fields.integer("n") == -Int64.max)
        #expect(try fields.integer("m") == UInt64.max)
        #expect(try fields.optionalString("z") == nil)
        #expect(try fields.bool("t"))
        #expect(throws: RecordJSON.Fault.unknownKeys(["x"])) { try fields.finish() }
        for bad in [
            "", "{", "{\"a\"}", "{\"a\":1,}", "[1 2]", "01", "1.", "-", "+1", "tru", "\"\\ud83d\"", "\"\\x\"", "\"\n\"",
            "{} {}", "nan", "1e", "\"\\u12\"", "{a:1}",
        ] {
            #expect(throws: RecordJSON.Fault.self, "\(bad)") { _ = try json(bad) }
        }
        #expect(throws: RecordJSON.Fault.self) { _ = try RecordJSON([0x22, 0xff, 0x22], limit: 10) }
    }

    /// Loading must not depend on how many guests there are: 500 records, read and judged.
    @Test func fiveHundredAreQuick() throws {
        let whole = try text()
        let start = ContinuousClock.now
        for _ in 0..<500 { _ = RecordReading(whole, boot: "b") }
        #expect(ContinuousClock.now - start < .seconds(2))
    }
}
