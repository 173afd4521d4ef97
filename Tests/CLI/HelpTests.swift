import Testing

@testable import LodgeCLI

@Suite struct HelpTests {
    let lodge: ScratchCommand
    init() throws { lodge = try ScratchCommand() }

    /// The groups of `virsh help`, in its order.
    @Test func groupsTheVerbsAsVirshDoes() throws {
        let help = try lodge("--help")
        #expect(help.code == 0)
        let groups = [
            "DOMAIN MANAGEMENT", "DOMAIN MONITORING", "DOMAIN EVENTS", "HOST AND HYPERVISOR", "NETWORKING",
        ]
        let places = groups.map { help.output.firstRange(of: $0)?.lowerBound }
        #expect(!places.contains(nil))
        #expect(places.compactMap(\.self) == places.compactMap(\.self).sorted())
    }

    @Test func eachVerbExplainsItself() throws {
        for verb in LodgeCommand.verbs {
            let help = try lodge(verb, "--help")
            #expect(help.code == 0, "\(verb)")
            #expect(help.output.contains("lodge \(verb)"), "\(verb)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completions(_ shell: String) throws {
        let script = try lodge("--generate-completion-script", shell)
        #expect(script.code == 0)
        #expect(script.output.contains("net-dhcp-leases"))
    }

    /// What the scripts call to complete a name.
    @Test func namesAreCompleted() throws {
        _ = try lodge("net-define", try lodge.file("n.xml", ScratchCommand.network))
        let names = try lodge("---completion", "net-start", "--", "positional@0", "2", "0", "lodge", "net-start", "")
        #expect(names.output.contains("lan"), "\(names)")
    }

    @Test func version() throws {
        let version = try lodge("--version")
        #expect(version.code == 0 && version.output.contains("."))
    }
}
