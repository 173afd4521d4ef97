import FoundationEssentials
import LodgeCore
import Testing

/// Reads a file of fixtures/networks.
func networkFixture(_ name: String) throws -> [UInt8] {
    let path = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    return try Array(Data(contentsOf: URL(filePath: "/\(path)/fixtures/networks/\(name).xml")))
}

func network(_ xml: String) throws(LodgeError) -> NetworkDefinition {
    try NetworkDefinition(xml: Array(xml.utf8), file: "net.xml")
}

@Suite("Network definitions")
struct NetworkDefinitionTests {
    @Test(arguments: ["default", "isolated", "routed", "open", "host-bridge", "everything"])
    func readBackEqual(_ name: String) throws {
        let definition = try NetworkDefinition(xml: networkFixture(name), file: "\(name).xml")
        let text = definition.xml()
        #expect(try NetworkDefinition(xml: Array(text.utf8), file: "again") == definition)
        let path = NSTemporaryPath("lodge-\(name)-\(UUID().uuidString).xml")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(text.utf8).write(to: URL(filePath: path))
        #expect(try run("/usr/bin/virt-xml-validate", [path, "network"]).status == 0, "\(text)")
    }

    @Test func theDefaultNetwork() throws {
        let definition = try NetworkDefinition(xml: networkFixture("default"), file: "default.xml")
        #expect(definition.name == "default" && definition.mode == .nat && definition.bridge.name == "virbr0")
        #expect(definition.addresses.map(\.prefix.description) == ["192.168.122.1/24"])
        let range = try #require(definition.addresses.first?.dhcp?.ranges.first?.addresses)
        #expect(range.lowerBound.description == "192.168.122.2" && range.upperBound.description == "192.168.122.254")
    }

    /// What is refused, and where: line and column of the element or attribute, and a hint.
    @Test(
        arguments: [
            ("<network><name>a</name><forward mode='vepa'/></network>", "1:33", "macvtap"),
            ("<network><name>a</name><forward mode='hostdev'/></network>", "1:33", "planned"),
            ("<network><name>a</name><virtualport type='openvswitch'/></network>", "1:24", "planned"),
            ("<network><name>a</name><portgroup name='x'/></network>", "1:24", "planned"),
            ("<network><name>a</name><bandwidth/></network>", "1:24", "planned"),
            ("<network><name>a</name>\n <vlan/></network>", "2:2", "planned"),
            ("<network><name>a</name><bridge name='virbr%d'/></network>", "1:32", "leave the name out"),
            ("<network><name>a</name><bridge name='sixteen-bytes-xy'/></network>", "1:32", "leave the name out"),
            ("<network><name>a</name><bridge zone='public'/></network>", "1:32", "firewalld"),
            ("<network><name>a</name><bridge macTableManager='libvirt'/></network>", "1:32", "kernel"),
            ("<network><name>../x</name></network>", "1:10", "letters"),
            ("<network><name>a</name><forward mode='bridge'/></network>", "1:1", "existing bridge"),
            ("<network><name>a</name><ip address='1.2.3.4' netmask='255.0.255.0'/></network>", "1:46", "prefix"),
            ("<network><name>a</name><ip address='fd00::1' prefix='64'/></network>", "1:28", "family='ipv6'"),
            (
                "<network><name>a</name><ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.9' end='10.0.1.9'/></dhcp></ip></network>",
                "1:65", "inside the network"
            ),
            (
                "<network><name>a</name><ip address='10.0.0.1' prefix='24'><dhcp><host mac='01:00:00:00:00:00' ip='10.0.0.9'/></dhcp></ip></network>",
                "1:71", nil
            ),
            ("<network><name>a</name><dns><txt name='a' value='x&#10;y'/></dns></network>", "1:43", "one line"),
            (
                "<network><name>a</name><dns><host ip='1.2.3.4'><hostname>a,b</hostname></host></dns></network>",
                "1:29", "hostname"
            ),
            ("<network><name>a</name><domain name='x y'/></network>", "1:32", "host.example"),
            ("<network><name>a</name><mtu size='12'/></network>", "1:29", nil),
            ("<network><name>a</name><mac address='01:00:5e:00:00:01'/></network>", "1:29", "even"),
            ("<network><name>a</name><nonsense/></network>", "1:24", "compatibility"),
            (
                "<network><name>a</name><ip address='10.0.0.1' prefix='24'/><ip address='10.0.0.9' prefix='16'/></network>",
                "1:1", "own"
            ),
            (
                "<network xmlns:d='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>a</name><d:options/></network>",
                "1:81", nil
            ),
        ] as [(String, String, String?)])
    func refusals(_ xml: String, _ place: String, _ hint: String?) throws {
        let error = #expect(throws: LodgeError.self) { try network(xml) }
        let location = try #require(error?.location)
        #expect("\(location.line):\(location.column)" == place, "\(error?.description ?? "")")
        if let hint { #expect(error?.hint?.contains(hint) == true, "\(error?.description ?? "")") }
    }

    /// libvirt's schema has these from 9.7 on, so the validator of an older one cannot judge them.
    @Test func titleAndDescription() throws {
        let definition = try network(
            "<network><name>a</name><title>One &amp; all</title><description>Two\nlines</description></network>")
        #expect(definition.title == "One & all" && definition.description == "Two\nlines")
        #expect(try network(definition.xml()) == definition)
    }

    @Test func everyRefusalOfADocumentIsTold() throws {
        let error = #expect(throws: LodgeError.self) {
            try network("<network><name>a</name><vlan/><bandwidth/><bridge zone='x' stp='maybe'/></network>")
        }
        #expect(error?.others.count == 3)
    }
}
