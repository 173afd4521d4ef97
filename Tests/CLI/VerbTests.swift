import FoundationEssentials
import LodgeCore
import TestSupport
import Testing

/// Whole verbs against the real kernel and QEMU, each test in a network namespace and on a root of its own.
@Suite struct VerbTests {
    let lodge: ScratchCommand
    init() throws { lodge = try ScratchCommand() }

    static let hasQEMU = Launcher.find("qemu-system-x86_64", searchPath: ["/usr/bin"]) != nil

    private func object(_ text: String) throws -> [String: String] {
        try JSONDecoder().decode([String: Loose].self, from: Data(text.utf8)).mapValues(\.text)
    }

    /// Any scalar, as text.
    private struct Loose: Decodable {
        var text: String
        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                text = String(value)
            } else if let value = try? container.decode(Int.self) {
                text = String(value)
            } else {
                text = (try? container.decode(String.self)) ?? "…"
            }
        }
    }

    @Test func networks() async throws {
        let lodge = lodge
        try await inScratchNamespace {
            let file = try lodge.file("lan.xml", ScratchCommand.network)
            let defined = try lodge("net-define", file)
            #expect(defined.output == "Network lan defined from \(file)\n\n" && defined.code == 0)
            #expect(
                try lodge("net-list", "--all").output == """
                     Name   State      Autostart   Persistent
                    -------------------------------------------
                     lan    inactive   no          yes


                    """)
            #expect(try lodge("net-list", "--name").output == "\n")
            #expect(try lodge("--quiet", "net-list", "--all", "--name").output == "lan\n")
            let uuid = "8d9cb9a3-1f8b-4c5e-9b7e-1d3f5a7c9e01"
            #expect(try lodge("net-uuid", "lan").output == uuid + "\n\n")
            #expect(try lodge("net-name", uuid).output == "lan\n\n")
            #expect(try lodge("net-autostart", "lan").output == "Network lan marked as autostarted\n\n")
            #expect(try lodge("net-list", "--all", "--autostart", "--uuid", "-q").output == uuid + "\n")
            #expect(try lodge("net-autostart", "lan", "--disable").code == 0)
            #expect(try lodge("net-start", "lan").output == "Network lan started\n\n")
            let twice = try lodge("net-start", "lan")
            #expect(twice.code == 1 && twice.errors.hasPrefix("error: network 'lan'"), "\(twice)")
            let info = try lodge("net-info", "lan", "--json")
            let fields = try JSONDecoder().decode(Info.self, from: Data(info.output.utf8))
            #expect(fields == Info(name: "lan", uuid: uuid, active: true, bridge: "clibr0"))
            #expect(try lodge("net-dumpxml", "lan").output.contains("<bridge name='clibr0'"))
            #expect(try lodge("net-dhcp-leases", "lan", "--json").output.filter { !$0.isWhitespace } == "[]")
            #expect(try lodge("net-destroy", "lan").output == "Network lan destroyed\n\n")
            #expect(try lodge("net-undefine", "lan").output == "Network lan has been undefined\n\n")
            #expect(try lodge("net-list", "--all", "-q").output.isEmpty)
        }
    }

    private struct Info: Decodable, Equatable {
        var name: String
        var uuid: String
        var active: Bool
        var bridge: String
    }

    @Test(.enabled(if: hasQEMU, "needs qemu-system-x86")) func domains() async throws {
        let lodge = lodge
        let uuid = "6695eb01-f6a4-4304-99aa-97f2502e193f"
        let file = try lodge.file(
            "guest.xml", ScratchCommand.guest(uuid: uuid, devices: "<console type='pty'/>"))
        #expect(try lodge("define", "--file", file).output == "Domain 'guest' defined from \(file)\n\n")
        defer { _ = try? lodge("destroy", "guest") }
        #expect(
            try lodge("list", "--all", "--title").output == """
                 Id   Name    State      Title
                ---------------------------------
                 -    guest   shut off   A test


                """)
        #expect(try lodge("start", "guest", "--paused").output == "Domain 'guest' started\n\n")
        #expect(try lodge("domstate", "guest").output == "paused\n\n")
        #expect(try lodge("resume", "guest").output == "Domain 'guest' resumed\n\n")
        #expect(try lodge("suspend", "guest").output == "Domain 'guest' suspended\n\n")
        #expect(try lodge("domstate", "1", "--reason").output == "paused (user)\n\n")
        #expect(try lodge("domid", uuid).output == "1\n\n")
        #expect(try lodge("domname", "1").output == "guest\n\n")
        #expect(try lodge("list", "--name", "--id", "--uuid", "-q").output == "1 \(uuid) guest\n")
        #expect(try lodge("list", "--state-running", "-q").output.isEmpty)
        let info = try object(try lodge("dominfo", "guest", "--json").output)
        #expect(info["uuid"] == uuid && info["cpus"] == "1" && info["maxMemoryKiB"] == "65536", "\(info)")
        let answer = try lodge("qemu-monitor-command", "guest", #"{"execute":"query-status"}"#, "--return-value")
        #expect(try object(answer.output)["status"] == "paused", "\(answer)")
        let human = try lodge("qemu-monitor-command", "guest", "--hmp", "info", "status")
        #expect(human.output.contains("VM status: paused"), "\(human)")
        let refused = try lodge("qemu-monitor-command", "guest", #"{"execute":"no-such-command"}"#)
        #expect(refused.output.contains("CommandNotFound") || refused.errors.contains("no-such-command"), "\(refused)")
        #expect(try lodge("console", "guest").errors.contains("standard input is not a terminal"))
        let again = try lodge("start", "guest")
        #expect(again.code == 1 && again.errors.hasPrefix("error: domain 'guest'"), "\(again)")
        let arguments = try lodge("domxml-to-native", "qemu-argv", "--domain", "guest")
        #expect(arguments.output.contains("qemu-system-x86_64 \\\n"), "\(arguments)")
        #expect(try lodge("destroy", "guest").output == "Domain 'guest' destroyed\n\n")
        #expect(try lodge("undefine", "guest").output == "Domain 'guest' has been undefined\n\n")
        #expect(try lodge("list", "--all", "-q").output.isEmpty)
    }

    @Test(.enabled(if: hasQEMU, "needs qemu-system-x86")) func consoleLeavesOnItsEscapeCharacter() throws {
        let file = try lodge.file("guest.xml", ScratchCommand.guest(devices: "<console type='pty'/>"))
        #expect(try lodge("create", file, "--paused").code == 0)
        defer { _ = try? lodge("destroy", "guest") }
        let session = try lodge.shell(
            "{ sleep 2; printf '\\035'; sleep 2; } | script -qec \"$LODGE console guest\" /dev/null")
        #expect(session.code == 0, "\(session)")
        #expect(session.output.contains("Connected to domain 'guest'"), "\(session)")
        #expect(try lodge("domstate", "guest").output == "paused\n\n")
    }

    /// Under `timeout`, as systemd would stop it: the guest has no system, so its power button does nothing.
    @Test(.enabled(if: hasQEMU, "needs qemu-system-x86")) func runEndsWithItsGuest() throws {
        let file = try lodge.file("guest.xml", ScratchCommand.guest())
        let run = try lodge.shell("timeout --preserve-status 4 $LODGE run --timeout 1 \(file)")
        #expect(run.code == 0, "\(run)")
        #expect(run.output.contains("guest: stopped"), "\(run)")
        #expect(run.errors.contains("did not shut down in 1 s"), "\(run)")
        #expect(try lodge("list", "--all", "-q").output.isEmpty)
    }
}
