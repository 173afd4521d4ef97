import FoundationEssentials
import LodgeCore
import TestSupport
import Testing

@testable import LodgeQEMU

/// Texts that mean something to shells, option parsers and JSON reach QEMU as they are: the installed QEMU is asked.
@Suite(.serialized, .enabled(if: InstalledQEMU.isThere, InstalledQEMU.comment))
struct HostileStringTests {
    /// What can stand in a file's name.
    static let names = [
        "a,b", "a,,b=c", "x\ny", #"q"u'o\t\\e"#, "100%s %n $HOME `id`", "tab\tbell\u{7F}", "größe–日本", "-device", " ",
        "{\"driver\":\"null-co\"}", "id=evil,path=x", "file:x", "json:{}", "fat:rw:x", "a:b",
    ]

    @Test(arguments: names)
    func reachesQEMUUnchanged(_ text: String) throws {
        let directory = try ScratchDirectory()
        let strange = directory(text)
        var definition = DomainDefinition(.qemu, name: "n", memory: .mebibytes(16))
        // A domain's name has rules of its own; what they leave goes the same way.
        definition.name = text
        definition.uuid = UUID()
        definition.os.machine = "q35"
        var disk = DiskDefinition(
            source: .file(try DomainDefinition.image(text, .raw, in: directory)), target: "vda", bus: .virtio)
        disk.serial = String(text.prefix(while: { $0 != "\n" }).prefix(6))
        definition.devices.disks = [disk]
        var channel = ChannelDefinition(.init(.unix(path: directory("s" + text), mode: .bind)), name: text)
        channel.backend.log = .init(file: directory("l" + text))
        definition.devices.channels = [channel]
        definition.devices.serials = [SerialDefinition(.init(.file(path: directory("f" + text), append: true)))]
        definition.devices.rngs = [RNGDefinition(.random(strange))]
        definition = try resolvedOnThisHost(definition)
        let plan = try LaunchPlan(
            definition, LaunchInputs(emulator: InstalledQEMU.path, runDirectory: directory.path, now: 0))
        let qemu = try StartedQEMU(plan, in: directory)

        #expect(try qemu.ask("query-name")["name"]?.string == text)
        #expect(try qemu.nodes()["disk0-storage"]?["file"]?.string == strange)
        #expect(try qemu.property("/machine/peripheral/virtio-disk0", "serial").string == disk.serial)
        #expect(try qemu.property("/machine/peripheral/channel0", "name").string == text)
        #expect(try qemu.property("/objects/objrng0", "filename").string == strange)
        let chardevs = try qemu.ask("query-chardev").array ?? []
        let names = chardevs.compactMap { $0["filename"]?.string }
        #expect(names.contains { $0.contains(directory("s" + text)) }, "\(names)")
        #expect(try Directory.names(of: directory.path)?.contains("f" + text) == true)
        #expect(try Directory.names(of: directory.path)?.contains("l" + text) == true)
    }

    @Test(arguments: ["init=/bin/sh,quiet -- \"a b\" %s", "x\ny", "größe", "-append"])
    func aKernelsCommandLineIsExact(_ text: String) throws {
        let kernel = try #require(try Directory.names(of: "/boot")?.first { $0.hasPrefix("vmlinuz-") })
        let directory = try ScratchDirectory()
        var definition = DomainDefinition(.qemu, name: "n", memory: .mebibytes(64))
        definition.uuid = UUID()
        definition.os.kernel = "/boot/\(kernel)"
        definition.os.commandLine = text
        definition = try resolvedOnThisHost(definition)
        let plan = try LaunchPlan(
            definition, LaunchInputs(emulator: InstalledQEMU.path, runDirectory: directory.path, now: 0))
        #expect(try StartedQEMU(plan, in: directory).property("/machine", "append").string == text)
    }

    @Test func whatQEMUCannotHoldIsRefused() throws {
        func refusal(_ change: (inout DomainDefinition) -> Void) -> String? {
            var definition = DomainDefinition(.qemu, name: "n", memory: .mebibytes(16))
            definition.uuid = UUID()
            var disk = DiskDefinition(source: .file("/x"), target: "vda", bus: .virtio)
            disk.serial = "s"
            definition.devices.disks = [disk]
            change(&definition)
            do {
                _ = try definition.resolved(Fixtures.inputs())
                return nil
            } catch { return "\(error)" }
        }
        let noCharacter = String(decoding: [0xEF, 0xB7, 0x90], as: UTF8.self)
        #expect(refusal { _ in } == nil)
        #expect(
            refusal { $0.devices.disks[0].serial = String(repeating: "s", count: 21) }?.contains("20 bytes") == true)
        #expect(refusal { $0.devices.disks[0].source = .file("/a" + noCharacter) }?.contains("no character") == true)
        #expect(
            refusal {
                $0.devices.channels = [
                    ChannelDefinition(
                        .init(.unix(path: "/" + String(repeating: "p", count: 107), mode: .bind)), name: "c")
                ]
            }?.contains("107 is the most") == true)
        #expect(
            refusal {
                $0.os.kernel = "/k"
                $0.os.commandLine = String(repeating: "c", count: 2048)
            }?.contains("2047") == true)
        #expect(
            refusal { $0.devices.graphics = [.vnc(VNCDefinition(listen: .address("::1,share=ignore")))] }?
                .contains("not an address") == true)
        #expect(
            refusal {
                $0.devices.serials = [
                    SerialDefinition(
                        .init(.tcp(host: "h,logfile=/x", service: "1", mode: .connect, protocol: .raw)))
                ]
            }?.contains("not a host's name") == true)
    }
}
