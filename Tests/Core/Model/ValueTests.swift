import FoundationEssentials
import Testing

@testable import LodgeCore

@Suite struct MACAddressTests {
    @Test(arguments: [
        ("52:54:00:12:34:56", "52:54:00:12:34:56"), ("52-54-00-AB-cd-EF", "52:54:00:ab:cd:ef"),
        ("0:1:2:3:4:5", "00:01:02:03:04:05"),
    ])
    func reads(_ text: String, _ description: String) {
        #expect(MACAddress(text)?.description == description)
    }

    @Test(arguments: [
        "", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:5g", "52:54:00:12:34:567", "+1:1:1:1:1:1",
        "52:54:00:12:34:", "52:54-00:12:34:56", "52 54 00 12 34 56", "52:54:00:12:34:56\n", ":::::",
    ])
    func refuses(_ text: String) { #expect(MACAddress(text) == nil) }

    @Test func randomIsAGuestsUnicastAddress() {
        let address = MACAddress.random()
        #expect(address.description.hasPrefix("52:54:00:"))
        #expect(!address.isMulticast)
        #expect(MACAddress(bytes: address.bytes) == address)
    }
}

@Suite struct PCIAddressTests {
    @Test func reads() throws {
        let address = try #require(PCIAddress("0000:3b:1f.7"))
        #expect(address == PCIAddress(bus: 0x3b, slot: 0x1f, function: 7))
        #expect(address.description == "0000:3b:1f.7")
        #expect(PCIAddress("3b:1f.7") == address)
    }

    @Test(arguments: [
        "", "0000:00:20.0", "0000:00:00.8", "0:0", "0000:00:00", "10000:00:00.0", "00:100.0", "::.", "a.b",
    ])
    func refuses(_ text: String) { #expect(PCIAddress(text) == nil) }
}

@Suite struct ByteSizeTests {
    @Test(
        arguments: [
            (1, "b", 1), (1, "bytes", 1), (1, "KB", 1000), (1, "k", 1024), (1, "KiB", 1024), (1, "kib", 1024),
            (2, "MB", 2_000_000), (2, "M", 2 << 20), (2, "MiB", 2 << 20), (3, "GB", 3_000_000_000), (3, "G", 3 << 30),
            (4, "GiB", 4 << 30), (5, "TB", 5_000_000_000_000), (5, "TiB", 5 << 40), (5, "T", 5 << 40),
            (15, "EiB", 15 << 60),
        ] as [(UInt64, String, UInt64)])
    func units(_ count: UInt64, _ unit: String, _ bytes: UInt64) {
        #expect(ByteSize(count, unit: unit)?.bytes == bytes)
    }

    @Test(arguments: ["", "KiBs", "x", "kk", "Ki", "GiB ", "ZiB"])
    func unknownUnits(_ unit: String) { #expect(ByteSize(1, unit: unit) == nil) }

    @Test func overflow() {
        #expect(ByteSize(16, unit: "EiB") == nil)
        #expect(ByteSize(.max, unit: "KiB") == nil)
        #expect(ByteSize(.max, unit: "b")?.kibibytesRoundedUp == 1 << 54)
    }

    @Test(arguments: [("64MiB", 64 << 20), ("2 GiB", 2 << 30), ("512", 512)] as [(String, UInt64)])
    func texts(_ text: String, _ bytes: UInt64) { #expect(ByteSize(text)?.bytes == bytes) }

    @Test(arguments: ["", "MiB", "-1MiB", "1.5GiB", "1 2", "٣MiB"])
    func notSizes(_ text: String) { #expect(ByteSize(text) == nil) }
}

@Suite struct NameTests {
    @Test(arguments: ["a", "web-1", "Windows 11", "ü", "a.b_c", "a,b", "a'b"])
    func names(_ name: String) { #expect(ObjectName.fault(in: name) == nil) }

    @Test(arguments: [
        "", ".", "..", "...", ".a", "../x", "a/b", "a\nb", "a\u{0}", "\u{7f}", " ", " a", "a ",
        String(repeating: "x", count: 241),
    ])
    func notNames(_ name: String) { #expect(ObjectName.fault(in: name) != nil) }

    @Test func uuids() throws {
        let uuid = try #require(UUID(xmlText: "4DEA22B3-1d52-d8f3-2516-782e98ab3fa0"))
        #expect(uuid.lowercased == "4dea22b3-1d52-d8f3-2516-782e98ab3fa0")
        #expect(UUID(xmlText: "4dea22b31d52d8f32516782e98ab3fa0") == uuid)
        for text in ["", "4dea22b3", "4dea22b3-1d52-d8f3-2516-782e98ab3fa00", "xdea22b31d52d8f32516782e98ab3fa0"] {
            #expect(UUID(xmlText: text) == nil)
        }
    }
}
