import Foundation
import Testing

@testable import LodgeCore

/// Each fixtures/domains/refused/NAME.xml beside NAME.txt, the whole error as users see it.
///
/// Written anew with `LODGE_WRITE_GOLDEN=1 swift test --filter DomainRefusalTests`, and then reviewed.
@Suite struct DomainRefusalTests {
    static let directory = DomainFixtureTests.directory.appendingPathComponent("refused")

    static let names: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return all.filter { $0.hasSuffix(".xml") }.map { String($0.dropLast(4)) }.sorted()
    }()

    static func failure(_ xml: [UInt8], file: String = "t.xml") -> LodgeError? {
        do {
            _ = try DomainDefinition(xml: xml, file: file)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: names)
    func saysWhatAndWhereAndWhatWouldWork(_ name: String) throws {
        let xml = Array(try Data(contentsOf: Self.directory.appendingPathComponent(name + ".xml")))
        let golden = Self.directory.appendingPathComponent(name + ".txt")
        let error = try #require(Self.failure(xml, file: name + ".xml"))
        let text = "\(error)\n"
        if ProcessInfo.processInfo.environment["LODGE_WRITE_GOLDEN"] != nil { try Data(text.utf8).write(to: golden) }
        #expect(text == String(decoding: try Data(contentsOf: golden), as: UTF8.self))
        for one in [error] + error.others {
            #expect(one.location != nil, "\(one.message)")
            if one.code == .unsupported { #expect(one.hint != nil, "\(one.message)") }
        }
    }

    /// A definition with one text in a place of the caller's choice.
    private func domain(name: String = "a", memory: String = "<memory>1024</memory>", _ rest: String = "") -> [UInt8] {
        Array("<domain type='qemu'><name>\(name)</name>\(memory)<os><type>hvm</type></os>\(rest)</domain>".utf8)
    }

    @Test(arguments: ["../x", "", ".", "..", "a/b", "a&#10;b", "a&#9;b", " ", "&#x85;", "&#x7f;"])
    func domainNames(_ name: String) throws {
        let error = try #require(Self.failure(domain(name: name)))
        #expect(error.message.hasPrefix("the domain name"))
        #expect(error.location?.description == "t.xml:1:21")
    }

    @Test(arguments: [
        "", "<memory/>", "<memory>0</memory>", "<memory>-1</memory>", "<memory>1.5</memory>", "<memory>1 GiB</memory>",
        "<memory unit='GIGS'>1</memory>", "<memory unit=''>1</memory>", "<memory unit='EiB'>15</memory>",
        "<memory unit='EiB'>99999999999</memory>", "<memory>99999999999999999999999999</memory>",
        "<memory unit='b'>18446744073709551615</memory>", "<memory>1</memory><memory>1</memory>",
        "<memory>1<x/></memory>", "<memory><![CDATA[]]></memory>",
    ])
    func memory(_ text: String) {
        #expect(Self.failure(domain(memory: text)) != nil)
    }

    @Test(
        arguments: [
            ("KiB", 4096), ("k", 4096), ("b", 4_194_304), ("bytes", 4_194_304), ("KB", 4_194_304 / 1000),
        ] as [(String, UInt64)])
    func memoryIsRoundedUpToKibibytes(_ unit: String, _ count: UInt64) throws {
        let definition = try DomainDefinition(
            xml: domain(memory: "<memory unit='\(unit)'>\(count)</memory>"), file: "t")
        #expect(definition.memory == .mebibytes(4))
    }

    @Test(arguments: [
        "<devices><disk/></devices>", "<devices><disk><target dev='vda'/></disk></devices>",
        "<devices><disk type='file'><source file=''/><target dev='vda'/></disk></devices>",
        "<devices><disk><source file='/x&#10;y'/><target dev='vda'/></disk></devices>",
        "<devices><disk><source file='/\(String(repeating: "x", count: 5000))'/><target dev='vda'/></disk></devices>",
        "<devices><disk><source file='/x'/><target dev='vda,x=y'/></disk></devices>",
        "<devices><disk><source file='/x'/><target dev='vda'/><serial>a,b</serial></disk></devices>",
        "<devices><disk><source file='/x'/><target dev='vda'/><boot order='0'/></disk></devices>",
        "<devices><disk><source file='/x'/><target dev='vda'/><boot order='65536'/></disk></devices>",
        "<devices><disk><source file='/x'/><target dev='vda'/><alias name='a,b'/></disk></devices>",
        "<devices><interface type='network'><source network=''/></interface></devices>",
        "<devices><interface type='network'><source network='a&#10;b'/></interface></devices>",
        "<devices><interface type='bridge'><source bridge='a*'/></interface></devices>",
        "<devices><interface type='bridge'><source bridge='%d'/></interface></devices>",
        "<devices><interface type='bridge'><source bridge='sixteen-letters-'/></interface></devices>",
        "<devices><controller type='pci'/></devices>",
        "<devices><controller type='usb' index='256'/></devices>",
        "<devices><controller type='sata' index='0'/><controller type='sata' index='0'/></devices>",
        "<devices><emulator>qemu</emulator></devices>", "<devices/><devices/>",
        "<devices><graphics type='vnc' listen='a,b'/></devices>",
        "<devices><graphics type='vnc' autoport='no'/></devices>",
        "<devices><graphics type='vnc' port='5900'><listen type='none'/></graphics></devices>",
        "<devices><serial type='unix'><source mode='connect'/></serial></devices>",
        "<devices><channel type='unix'><target type='virtio' name=''/></channel></devices>",
        "<devices><serial type='tcp'><source host='h' service='1,server'/></serial></devices>",
        "<devices><input type='tablet' bus='usb'><address type='usb' port='1.x'/></input></devices>",
        "<cpu mode='custom'/>", "<cpu><model>a,b</model></cpu>", "<cpu><feature name='a=b'/></cpu>",
        "<cpu><feature name='a'/><feature name='a'/></cpu>", "<vcpu>0</vcpu>", "<vcpu>4097</vcpu>",
        "<cpu><topology sockets='65536' cores='65536' threads='65536'/></cpu>", "<iothreads>4294967296</iothreads>",
        "<title>a&#10;b</title>", "<metadata a='b'/>", "text", "<description><b/></description>",
        "<features><hyperv><vendor_id value='a,b'/></hyperv></features>",
        "<features><hyperv><spinlocks retries='1'/></hyperv></features>",
        "<clock offset='variable' adjustment='9223372036854775808'/>",
        "<clock offset='absolute' start='-1'/>", "<clock offset='utc'><timer name='hpet' tickpolicy='merge'/></clock>",
        "<x:y xmlns:x='urn:x'/>", "<name>second</name>",
    ])
    func hostileInput(_ text: String) throws {
        let error = try #require(Self.failure(domain(text)), "accepted")
        #expect(error.location != nil)
    }

    /// Work that grows with the square of the input would take hours here.
    @Test(.timeLimit(.minutes(1)))
    func hostileAmounts() {
        let attributes = (0..<90_000).map { " a\($0)='1'" }.joined()
        #expect(Self.failure(domain("<cpu\(attributes)/>"))?.others.count == 50)
        let prefixes = (0..<990).map { " xmlns:p\($0)='urn:\($0)'" }.joined()
        let filler = String(repeating: "a:b ", count: 1 << 20)
        #expect(Self.failure(domain("<metadata\(prefixes)><x>\(filler)</x></metadata>")) == nil)
        let more = (0..<1001).map { " xmlns:p\($0)='urn:\($0)'" }.joined()
        #expect(Self.failure(domain("<metadata\(more)/>"))?.message == "more than 1000 namespace prefixes")
        let disks = String(repeating: "<disk/>", count: 90_000)
        #expect(Self.failure(domain("<devices>\(disks)</devices>"))?.others.count == 50)
        let mixed = String(repeating: "x<y/>", count: 90_000)
        #expect(Self.failure(domain("<devices>\(mixed)</devices>"))?.others.count == 50)
        let features = (0..<40_000).map { "<feature name='f\($0)'/>" }.joined()
        #expect(Self.failure(domain("<cpu>\(features)</cpu>")) == nil)
    }

    @Test func metadataKeepsItsBytes() throws {
        let metadata = "\n  <a:b xmlns:a='urn:a' c=\"1\" d='&#10;'>\n\t<!-- -- no --><![CDATA[<&>]]> &lt;é\n</a:b> "
            .replacing("-- no ", with: " kept ")
        let definition = try DomainDefinition(xml: domain("<metadata>\(metadata)</metadata>"), file: "t")
        #expect(definition.metadata?.content == metadata)
        let text = definition.xml()
        #expect(text.contains("  <metadata>\(metadata)</metadata>\n"))
        #expect(try DomainDefinition(xml: Array(text.utf8), file: "t") == definition)
    }

    @Test func whatIsMadeInCodeIsChecked() throws {
        var definition = DomainDefinition(.qemu, name: "a", memory: .mebibytes(64))
        try definition.validate()
        definition.description = "a\u{1}b"
        #expect(throws: LodgeError.self) { try definition.validate() }
        definition.description = ""
        #expect(throws: LodgeError.self) { try definition.validate() }
        definition.description = nil
        definition.devices.disks = [DiskDefinition(source: .file("relative"), target: "vda", bus: .virtio)]
        #expect(throws: LodgeError.self) { try definition.validate() }
    }

    @Test func completionIsDeterministicAndUnique() throws {
        let xml = domain(
            "<devices><interface type='user'><mac address='52:54:00:00:00:01'/></interface>"
                + "<interface type='user'/><interface type='user'/></devices>")
        let definition = try DomainDefinition(xml: xml, file: "t")
        #expect(definition.uuid == nil)
        var next: UInt64 = 0
        let uuid = UUID()
        let completed = definition.completed(
            uuid: { uuid },
            mac: {
                defer { next += 1 }
                return MACAddress(truncating: 0x5254_0000_0000 + next / 2)
            })
        #expect(completed.uuid == uuid)
        #expect(
            completed.devices.interfaces.map { $0.mac?.value } == [
                0x5254_0000_0001, 0x5254_0000_0000, 0x5254_0000_0002,
            ])
        #expect(completed.completed() == completed)
    }

    @Test func inactiveForgetsTheRun() throws {
        let definition = try DomainDefinition(xml: try DomainFixtureTests.bytes(of: "live-dump.xml"), file: "live")
        let text = definition.inactive().xml()
        #expect(definition.xml().contains("<alias name='virtio-disk0'/>"))
        #expect(definition.xml().contains("id='12'"))
        for word in ["<alias", "/dev/pts", "vnet11", "id='12'", "5900", "connected"] {
            #expect(!text.contains(word), "\(word)")
        }
    }
}
