import TestSupport
import Testing

/// A clear error, exit 1, nothing on standard output, nothing left behind.
@Suite struct BadInputTests {
    let lodge: ScratchCommand
    init() throws { lodge = try ScratchCommand() }

    private func refused(
        _ outcome: ScratchCommand.Outcome, _ error: String, hint: String? = nil,
        _ place: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.code == 1, "\(outcome)", sourceLocation: place)
        #expect(outcome.output.isEmpty, "\(outcome.output)", sourceLocation: place)
        #expect(outcome.errors.hasPrefix("error: "), "\(outcome.errors)", sourceLocation: place)
        #expect(outcome.errors.contains(error), "\(outcome.errors)", sourceLocation: place)
        if let hint { #expect(outcome.errors.contains("hint: \(hint)"), "\(outcome.errors)", sourceLocation: place) }
    }

    @Test func anUnknownVerb() throws {
        refused(try lodge("frobnicate"), "unknown command: 'frobnicate'", hint: "lodge --help lists the commands")
        refused(try lodge("lst"), "unknown command: 'lst'", hint: "did you mean list?")
        refused(try lodge("--root", "/nowhere", "strat"), "unknown command: 'strat'", hint: "did you mean start?")
    }

    @Test func unknownOrMissingArguments() throws {
        refused(try lodge("list", "--bogus"), "Unknown option '--bogus'", hint: "lodge list --help says what it takes")
        refused(try lodge("start"), "the domain is missing")
        refused(try lodge("start", "a", "--domain", "b"), "the domain is given twice")
        refused(try lodge("net-start"), "the network is missing")
        refused(try lodge("define"), "the file is missing")
        refused(try lodge("domxml-to-native", "xen-xl", "x"), "no format 'xen-xl'")
        refused(try lodge("qemu-monitor-command", "x"), "a domain and a command are wanted")
        refused(try lodge("list", "--table", "--name"), "--table goes with none")
        refused(try lodge("list", "--root"), "Missing value")
        refused(try lodge("list", "extra"), "Unexpected argument 'extra'")
    }

    @Test func filesThatAreNone() throws {
        refused(try lodge("define", "/nowhere/x.xml"), "cannot open '/nowhere/x.xml': No such file or directory")
        refused(try lodge("define", lodge.directory.path), "cannot read", hint: nil)
        refused(try lodge("define", "-", input: ""), "standard input:")
        refused(try lodge("net-create", ""), "cannot open ''")
    }

    @Test(arguments: [
        "<domain", "<domain></network>", "<!DOCTYPE x [<!ENTITY a 'b'>]><domain/>", "<network/>", "\u{0}",
        "<domain type='qemu'><name>x</name><bogus/></domain>",
    ])
    func xmlThatIsNone(_ text: String) throws {
        let path = try lodge.file("bad.xml", text)
        refused(try lodge("define", path), "bad.xml:1:")
    }

    @Test(arguments: ["../x", "a/b", "", ".", "..", ".hidden", "a&#10;b", String(repeating: "n", count: 300)])
    func namesThatAreNone(_ name: String) throws {
        refused(try lodge("define", try lodge.file("name.xml", ScratchCommand.guest(name))), "name.xml:2:")
        #expect(try lodge("list", "--all", "--name").output == "\n")
    }

    @Test(arguments: ["../x", "nobody", "", "../../etc/passwd", "999", "00000000-0000-0000-0000-000000000000"])
    func objectsThatAreNot(_ name: String) throws {
        for verb in ["start", "destroy", "dominfo", "dumpxml", "undefine", "console", "log", "domid"] {
            refused(try lodge(verb, "--domain", name), "domain '\(name)'")
        }
        for verb in ["net-start", "net-destroy", "net-info", "net-dhcp-leases", "net-undefine"] {
            refused(try lodge(verb, "--network", name), "'\(name)'")
        }
    }

    @Test func aRootThatIsNone() throws {
        refused(try lodge("list", "--root", "/proc/nowhere"), "/proc/nowhere")
        refused(try lodge("list", "--netns", "nowhere-\(lodge.directory.path.suffix(6))"), "nowhere")
    }

    @Test func aMissingDiskNamesItself() throws {
        let disk = "<disk type='file'><source file='/nowhere/disk.img'/><target dev='vda' bus='virtio'/></disk>"
        refused(try lodge("create", try lodge.file("d.xml", ScratchCommand.guest(devices: disk))), "/nowhere/disk.img")
        #expect(try lodge("list", "--all", "--name").output == "\n")
    }

    @Test func readersThatGoAway() throws {
        #expect(try lodge.shell("$LODGE --help | true; exit ${PIPESTATUS[0]}").code ?? -1 <= 1)
        let full = try lodge.shell("$LODGE list > /dev/full")
        refused(full, "cannot write to standard output: No space left on device")
        refused(try lodge.shell("$LODGE list >&-"), "cannot write to standard output")
        #expect(try lodge.shell("$LODGE list --bogus 2>&-").code == 1)
        #expect(try lodge.shell("$LODGE list <&- >/dev/null").code == 0)
    }
}
