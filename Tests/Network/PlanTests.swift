import FoundationEssentials
import LodgeCore
import LodgeNetlink
import LodgeNetwork
import Testing

@Suite("Network plans")
struct PlanTests {
    let uuid = UUID(uuidString: "1F3C7AB2-5F4E-4D1C-9F3A-0C3D2E1F4A5B") ?? UUID()

    func plan(_ fixture: String, resolvers: [String] = ["192.0.2.1", "2001:db8::1"]) throws -> NetworkPlan {
        var definition = try NetworkDefinition(xml: networkFixture(fixture), file: fixture)
        definition.bridge.name = definition.bridge.name ?? "virbr9"
        return try NetworkPlan(
            definition, uuid: uuid, index: 77, resolvers: resolvers.compactMap { IPAddress($0) })
    }

    @Test func theDefaultNetwork() throws {
        let plan = try plan("default")
        #expect(plan.bridge?.name == "virbr0" && plan.bridge?.index == 77 && plan.bridge?.stp == true)
        #expect(plan.bridge?.mac == NetworkPlan.mac(of: uuid))
        #expect(plan.bridge?.mac.description.hasPrefix("52:54:00:") == true)
        #expect(plan.forwarding == [.ipv4] && plan.disablesIPv6)
        #expect(plan.filter?.table.name == "lodge_1f3c7ab25f4e4d1c9f3a0c3d2e1f4a5b")
        #expect(
            plan.dnsmasq?.configuration == """
                keep-in-foreground
                no-resolv
                no-poll
                strict-order
                bind-interfaces
                user=
                group=
                pid-file=
                interface=virbr0
                except-interface=lo
                server=192.0.2.1
                server=2001:db8::1
                dhcp-authoritative
                dhcp-no-override
                no-ping
                quiet-dhcp
                quiet-dhcp6
                dhcp-lease-max=253
                dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0

                """)
    }

    @Test func everything() throws {
        let plan = try plan("everything")
        #expect(plan.bridge?.mac.description == "52:54:00:10:20:30" && plan.mtu == 1450)
        #expect(plan.forwarding == [.ipv4, .ipv6] && !plan.disablesIPv6)
        let text = try #require(plan.dnsmasq?.configuration)
        for line in [
            "server=192.0.2.53", "server=/corp.example/192.0.2.54", "server=/public.example/#", "domain-needed",
            "local=//", "local=/lab.example/", "local=/0.40.10.in-addr.arpa/",
            #"txt-record=note.lab.example,"v=1, \"quoted\" \\ and # all""#,
            "srv-host=_ldap._tcp.lab.example,dir.lab.example,389,1,5", "srv-host=_sip._udp.lab.example",
            "host-record=gate,10.40.0.5", "host-record=gate6,fd00:40::5", "domain=lab.example", "expand-hosts",
            "dhcp-range=10.40.0.100,10.40.0.150,255.255.255.0,7200", "dhcp-host=52:54:00:00:00:01,10.40.0.10,one",
            "dhcp-host=52:54:00:00:00:02,10.40.0.11,infinite", "dhcp-host=10.40.0.12,three",
            #"dhcp-boot="pxelinux.0",,10.40.0.9"#, "dhcp-range=fd00:40::100,fd00:40::1ff,64",
            "dhcp-host=id:0:3:0:1:52:54:0:0:0:1,[fd00:40::10],one6", "enable-ra", "enable-tftp",
            #"tftp-root="/srv""#, "dhcp-option=option:mtu,1450",
        ] {
            #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)\n\(text)")
        }
        #expect(!text.contains("server=2001:db8::1"), "forwarders of its own keep the host's out")
        #expect(try judge(text) == "")
    }

    @Test func isolatedNetworksTellNoRouter() throws {
        let xml = """
            <network><name>a</name><bridge name='b'/><ip address='10.0.0.1' prefix='24'>
            <dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip>
            <ip family='ipv6' address='fd00::1' prefix='64'/></network>
            """
        let plan = try NetworkPlan(
            network(xml), uuid: uuid, index: 1, resolvers: [#require(IPAddress("192.0.2.1"))])
        let text = try #require(plan.dnsmasq?.configuration)
        #expect(text.contains("\ndhcp-option=3\n") && text.contains("\nra-param=*,0,0\n") && !text.contains("server="))
        #expect(text.contains("\ndhcp-range=fd00::1,ra-only\n"))
        #expect(plan.forwarding == [])
        #expect(plan.filter?.chains.map(\.rules.count) == [3])
        #expect(try judge(text) == "")
    }

    @Test func otherModes() throws {
        let open = try plan("open")
        #expect(open.filter == nil && open.dnsmasq == nil && open.forwarding == [.ipv4])
        let host = try plan("host-bridge")
        #expect(host.bridge == nil && host.bridgeName == "br0" && host.filter == nil && host.dnsmasq == nil)
        let routed = try plan("routed")
        #expect(routed.filter?.chains.count == 1 && routed.routes.count == 1 && routed.mtu == 1400)
        let isolated = try plan("isolated")
        #expect(isolated.dnsmasq == nil && isolated.filter?.ruleCount == 3)
    }

    /// What people write into names and texts cannot become an option of dnsmasq.
    @Test(arguments: [
        "plain", "a,b", "a\"b", "a\\", "\\\"", "# no comment", "a # b", "conf-file=/etc/passwd", "a\u{2028}b", "ä ö",
        "\\n dhcp-script=/bin/sh", "'", "${x}", "%s%n", ":,:", String(repeating: "x", count: 255),
        String(repeating: "\"", count: 255),
    ])
    func hostileTexts(_ text: String) throws {
        var definition = try network(
            "<network><name>a</name><bridge name='b'/><ip address='10.0.0.1' prefix='24'/></network>")
        var dns = NetworkDNS()
        dns.texts = [.init(name: "t.example", value: text)]
        definition.dns = dns
        definition.addresses[0].tftpRoot = "/" + text
        definition.addresses[0].dhcp = NetworkDHCP(
            hosts: [.init(name: "h", address: try #require(IPAddress("10.0.0.9")))], bootp: .init(file: text))
        let plan = try NetworkPlan(definition, uuid: uuid, index: 1, resolvers: [])
        let configuration = try #require(plan.dnsmasq?.configuration)
        #expect(try judge(configuration) == "", "\(configuration)")
        #expect(configuration.split(separator: "\n").count { $0.hasPrefix("txt-record=") } == 1)
    }

    /// Values that a definition built in code could carry past the XML's checks are refused, not written.
    @Test(arguments: ["a\nb", "a\0b", "\u{1b}[2J", String(repeating: "x", count: 2000)])
    func impossibleTexts(_ text: String) throws {
        var definition = try network(
            "<network><name>a</name><bridge name='b'/><ip address='10.0.0.1' prefix='24'/></network>")
        var dns = NetworkDNS()
        dns.texts = [.init(name: "t.example", value: text)]
        definition.dns = dns
        #expect(throws: LodgeError.self) {
            try NetworkPlan(definition, uuid: uuid, index: 1, resolvers: [])
        }
        dns.texts = []
        dns.hosts = [.init(address: try #require(IPAddress("10.0.0.2")), names: [text + ",x"])]
        definition.dns = dns
        #expect(throws: LodgeError.self) {
            try NetworkPlan(definition, uuid: uuid, index: 1, resolvers: [])
        }
    }

    /// What dnsmasq itself says about a configuration; empty when it is content.
    private func judge(_ configuration: String) throws -> String {
        let path = NSTemporaryPath("lodge-dnsmasq-\(UUID().uuidString).conf")
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(configuration.utf8).write(to: URL(filePath: path))
        let result = try run("/usr/sbin/dnsmasq", ["--test", "--conf-file=\(path)"])
        return result.status == 0 ? "" : result.output
    }
}
