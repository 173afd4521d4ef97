import Foundation
import Testing

@testable import LodgeCore

/// Damaged definitions are an error or a definition that can be written and read again; never a trap, never slow.
@Suite struct DomainMutationTests {
    /// A small generator with a fixed seed, so that a failure comes back (xorshift64*, Vigna 2016).
    struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return state &* 2_685_821_657_736_338_717
        }
    }

    /// Mutants of each file and kind; LODGE_MUTATIONS asks for more.
    static let rounds = ProcessInfo.processInfo.environment["LODGE_MUTATIONS"].flatMap { Int($0) } ?? 300

    private func judge(_ bytes: [UInt8], _ what: @autoclosure () -> String) {
        guard let definition = try? DomainDefinition(xml: bytes, file: "mutant") else { return }
        do {
            let back = try DomainDefinition(xml: Array(definition.xml().utf8), file: "written")
            #expect(back == definition, "\(what())")
        } catch {
            Issue.record("\(what()): \(error)")
        }
    }

    @Test(arguments: DomainFixtureTests.names)
    func truncated(_ name: String) throws {
        let bytes = try DomainFixtureTests.bytes(of: name)
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / Self.rounds)) {
            judge(Array(bytes.prefix(length)), "\(name) cut at \(length)")
        }
    }

    @Test(arguments: DomainFixtureTests.names)
    func flipped(_ name: String) throws {
        let bytes = try DomainFixtureTests.bytes(of: name)
        var random = Random(state: 0x9E37_79B9_7F4A_7C15)
        for round in 0..<Self.rounds {
            var mutant = bytes
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: mutant.indices, using: &random)
                mutant[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            judge(mutant, "\(name) round \(round)")
        }
    }

    /// Pieces put in the place of others: whole lines, numbers and quoted values, so that most mutants are well formed.
    @Test(arguments: DomainFixtureTests.names)
    func shuffled(_ name: String) throws {
        let lines = try DomainFixtureTests.bytes(of: name).split(separator: UInt8(ascii: "\n")).map(Array.init)
        let values = [
            "'0'", "'-1'", "'18446744073709551616'", "''", "'a,b'", "'\u{e9}'", "'0xffff'", "'yes'", "'&#10;'",
        ]
        var random = Random(state: 42)
        for round in 0..<Self.rounds {
            var mutant = lines
            let at = Int.random(in: mutant.indices, using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0: mutant.swapAt(at, Int.random(in: mutant.indices, using: &random))
            case 1: mutant.insert(mutant[Int.random(in: mutant.indices, using: &random)], at: at)
            case 2: mutant.remove(at: at)
            default:
                let text = String(decoding: mutant[at], as: UTF8.self)
                let parts = text.split(separator: "'", omittingEmptySubsequences: false)
                guard parts.count > 2 else { continue }
                let value = values.randomElement(using: &random) ?? ""
                let index = Int.random(in: 0..<(parts.count / 2), using: &random) * 2 + 1
                mutant[at] = Array(
                    (parts[..<index].joined(separator: "'") + value + parts[(index + 1)...].joined(separator: "'")).utf8
                )
            }
            judge(Array(mutant.joined(separator: [UInt8(ascii: "\n")])), "\(name) round \(round)")
        }
    }
}
