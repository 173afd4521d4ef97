import Foundation
import LodgeCore
import Testing

@testable import LodgeQEMU

/// Each domain in fixtures/domains, beside what it becomes on a Debian 12 with KVM: fixtures/argv has the resolved
/// definition (`NAME.xml`) and the command line (`NAME.args`, an option a line).
///
/// After a change that is meant: `LODGE_REGENERATE=1 swift test --filter GoldenTests`, and review the difference.
@Suite struct GoldenTests {
    private static let directory = Fixtures.root.appendingPathComponent("argv")
    private static let regenerates = ProcessInfo.processInfo.environment["LODGE_REGENERATE"] == "1"

    private func compare(_ text: String, with name: String) throws {
        let file = Self.directory.appendingPathComponent(name)
        if Self.regenerates { try Data(text.utf8).write(to: file) }
        let expected = (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) }
        #expect(text == expected, "\(name) differs: see how it is regenerated")
    }

    @Test(arguments: Fixtures.domains)
    func isAsWrittenDown(_ name: String) throws {
        let definition = try Fixtures.domain(name).resolved(Fixtures.inputs())
        try compare(definition.xml(), with: "\(name).xml")
        let taps = definition.devices.interfaces.indices.filter { definition.devices.interfaces[$0].source != .user }
        let plan = try LaunchPlan(
            definition,
            LaunchInputs(
                emulator: "/usr/bin/qemu-system-x86_64", runDirectory: "/run/lodge/domains/UUID", taps: Set(taps),
                vncPorts: [0: 5900], now: 1_700_000_000))
        try compare(Self.lines(plan), with: "\(name).args")
    }

    /// An option a line, with its value beside it, as a shell would take it.
    private static func lines(_ plan: LaunchPlan) -> String {
        var lines: [[String]] = []
        for word in plan.arguments {
            if word.hasPrefix("-") || lines.isEmpty {
                lines.append([word])
            } else {
                lines[lines.endIndex - 1].append(word)
            }
        }
        var text = lines.map(LaunchPlan.quoted).joined(separator: " \\\n  ") + "\n"
        for step in plan.finish { text += "# then: \(step.command) \(JSONValue.object(step.arguments).text)\n" }
        for reason in plan.needsSupervisor { text += "# needs a supervisor: \(reason)\n" }
        return text
    }

    @Test func nothingIsLeftOver() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path)
        let expected = Fixtures.domains.flatMap { ["\($0).xml", "\($0).args"] }
        #expect(Set(files) == Set(expected))
    }

    @Test func quotesForAShell() {
        let strange = "it's $HOME; \"a\" `b`\n*"
        #expect(LaunchPlan.quoted(["a", "", strange]) == "a '' 'it'\\''s $HOME; \"a\" `b`\n*'")
    }
}
