import Testing

@testable import LodgeCLI

/// The pieces that need no process.
@Suite struct PartsTests {
    /// As `virsh -c test:///default list` prints it.
    @Test func table() {
        var table = Table("Id", "Name", "State")
        table.add("1", "test", "running")
        #expect(table.lines(quiet: false) == [" Id   Name   State", "----------------------", " 1    test   running"])
        #expect(table.lines(quiet: true) == [" 1   test   running"])
    }

    @Test func widths() {
        var table = Table("Name", "State")
        table.add("虚拟", "x")
        table.add("ééé", "y")
        #expect(table.lines(quiet: true) == [" 虚拟   x", " ééé    y"])
    }

    @Test(arguments: [
        (["--root", "/r", "list"], ["list", "--root", "/r"]),
        (["--root=/r", "-q", "list", "--all"], ["list", "--root=/r", "-q", "--all"]),
        (["list", "--root", "/r"], ["list", "--root", "/r"]), (["--help"], ["--help"]), ([], []),
        (["--root", "/r"], []), (["--root"], ["--root"]), (["--version"], ["--version"]),
    ])
    func optionsBeforeTheVerb(_ given: [String], _ ordered: [String]) {
        #expect(CommandLineArguments.inOrder(given) == ordered)
    }

    @Test func shellQuoting() {
        let text = DomXMLToNative.shellText(["/usr/bin/qemu", "-name", "a b", "-append", "it's", "-S", ""])
        #expect(text == "/usr/bin/qemu \\\n-name 'a b' \\\n-append 'it'\\''s' \\\n-S ''")
    }

    @Test(arguments: [("lst", "list", true), ("strat", "start", true), ("x", "list", false), ("", "log", false)])
    func spelling(_ given: String, _ known: String, _ near: Bool) { #expect(Spelling.isNear(given, known) == near) }

    @Test func fields() {
        #expect(Fields.lines([("Id", "1"), ("None", nil)]) == ["Id:             1"])
    }
}
