import FoundationEssentials
import Glibc
import LodgeCore
import LodgeNetlink
import LodgeNetwork
import Testing

/// Real packets: a namespace that plays the guest on one side, one that plays the world on the other.
@Suite("Traffic", .enabled(if: geteuid() == 0, Comment(rawValue: needsRoot)), .serialized)
struct TrafficTests {
    /// A namespace with a pool of its own.
    final class Place: Sendable {
        let namespace: NetworkNamespace
        private let pool: WorkerPool

        init() throws {
            namespace = try NetworkNamespace.create()
            pool = WorkerPool(threads: 2, namespace: namespace)
        }

        func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
            try await pool.run { () throws(LodgeError) in Result { try body() } }.get()
        }

        func close() { pool.shutdown() }
    }

    /// Plugs the guest's `eth0` into a bridge of the scratch.
    func plug(_ guest: Place, into bridge: String, of scratch: Scratch, port: String = "tap0") async throws {
        let descriptor = guest.namespace.descriptor
        try await scratch.inside { _, _ in
            let session = try NetlinkSession()
            try session.createVeth(name: port, peer: "eth0", peerNamespace: descriptor)
            let master = try #require(try session.link(named: bridge)?.index)
            let index = try #require(try session.link(named: port)?.index)
            try session.set(index: index, LinkChange(master: master, isUp: true), of: port)
        }
        try await guest.run {
            let session = try NetlinkSession()
            let index = try #require(try session.link(named: "eth0")?.index)
            try session.set(index: index, LinkChange(isUp: true), of: "eth0")
        }
    }

    /// Gives an interface of the calling thread's namespace an address.
    static func address(_ name: String, _ prefix: String, gateway: String? = nil) throws {
        let session = try NetlinkSession()
        let index = try #require(try session.link(named: name)?.index)
        try session.set(index: index, LinkChange(isUp: true), of: name)
        try session.addAddress(try #require(IPPrefix(prefix)), index: index, of: name)
        if let gateway {
            let family = try #require(IPAddress(gateway)).family
            try session.addRoute(
                Route(
                    destination: try #require(IPPrefix(family == .ipv4 ? "0.0.0.0/0" : "::/0")),
                    gateway: IPAddress(gateway), index: index))
        }
    }

    /// Where an answer is expected there are several tries: the first packet may meet an address that neighbours are
    /// still asked about.
    static func pings(_ target: String, expected: Bool) throws -> Bool {
        let program = target.contains(":") ? "ping6" : "ping"
        for _ in 0..<(expected ? 5 : 1) {
            let words = [program, "-c", "1", "-W", "1", target]
            if try LodgeNetworkTests.run("/bin/busybox", words).status == 0 { return true }
        }
        return false
    }

    /// Connects the scratch namespace to a world of its own through `up0`.
    func world(for scratch: Scratch) async throws -> Place {
        let world = try Place()
        let descriptor = world.namespace.descriptor
        try await scratch.inside { _, _ in
            try NetlinkSession().createVeth(name: "up0", peer: "eth0", peerNamespace: descriptor)
            try Self.address("up0", "203.0.113.1/24")
            try Self.address("up0", "2001:db8:ff::1/64")
        }
        try await world.run {
            try Self.address("eth0", "203.0.113.2/24")
            try Self.address("eth0", "2001:db8:ff::2/64")
        }
        return world
    }

    @Test func leasesAndNames() async throws {
        try await withScratch { scratch in
            let xml = """
                <network><name>n</name><forward mode='nat'/><bridge stp='off'/><domain name='lab.example'/>
                <dns><host ip='192.168.77.9'><hostname>gate</hostname></host>
                <txt name='t.lab.example' value='a, "b"; c'/></dns>
                <ip address='192.168.77.1' prefix='24'><dhcp><range start='192.168.77.100' end='192.168.77.200'/>
                <host mac='52:54:00:00:00:77' ip='192.168.77.50' name='fixed'/></dhcp></ip></network>
                """
            let uuid = try await scratch.define(xml)
            try await scratch.start(uuid)
            let bridge = try #require(try await scratch.summary(uuid).bridge)
            let guest = try Place()
            defer { guest.close() }
            try await plug(guest, into: bridge, of: scratch)
            let script = NSTemporaryPath("lodge-udhcpc-\(UUID().uuidString).sh")
            defer { try? FileManager.default.removeItem(atPath: script) }
            try Data("#!/bin/sh\nexit 0\n".utf8).write(to: URL(filePath: script))
            chmod(script, 0o755)
            let answers = try await guest.run { () throws -> [String] in
                let dhcp = try LodgeNetworkTests.run(
                    "/bin/busybox",
                    ["udhcpc", "-i", "eth0", "-n", "-q", "-t", "10", "-T", "1", "-x", "hostname:visitor", "-s", script])
                #expect(dhcp.status == 0, "\(dhcp.output)")
                try Self.address("eth0", "192.168.77.100/24")
                return [
                    dhcp.output,
                    try LodgeNetworkTests.run("/bin/busybox", ["nslookup", "gate", "192.168.77.1"]).output,
                    try LodgeNetworkTests.run("/bin/busybox", ["nslookup", "visitor.lab.example", "192.168.77.1"])
                        .output,
                    try LodgeNetworkTests.run(
                        "/bin/busybox", ["nslookup", "-type=txt", "t.lab.example", "192.168.77.1"]
                    ).output,
                ]
            }
            #expect(answers[0].contains("lease of 192.168.77."))
            #expect(answers[1].contains("192.168.77.9"), "\(answers[1])")
            #expect(answers[3].contains(#"a, \"b\"; c"#) || answers[3].contains(#"a, "b"; c"#), "\(answers[3])")
            let leases = try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.leases(uuid, context: context)
            }
            #expect(leases.count == 1 && leases[0].hostname == "visitor" && leases[0].protocol == "ipv4", "\(leases)")
            let given = leases[0].address
            #expect(answers[0].contains("lease of \(given.dropLast(3)) ") && given.hasSuffix("/24"), "\(answers[0])")
            #expect(answers[2].contains(given.dropLast(3)), "\(answers[2])")
            #expect(leases[0].expiry > Int64(time(nil)))
            let mac = leases[0].mac
            #expect(
                try await scratch.perform { (driver, context) throws(LodgeError) in
                    try driver.leases(uuid, mac: mac, context: context)
                } == leases)
            // A restarted network gives the same guest the same address.
            try await scratch.destroy(uuid)
            try await scratch.start(uuid)
            let after = try await scratch.perform { (driver, context) throws(LodgeError) in
                try driver.leases(uuid, context: context)
            }
            #expect(after.map(\.address) == leases.map(\.address))
            try await scratch.destroy(uuid)
        }
    }

    static let modes: [(String, Bool, Bool)] = [
        ("<forward mode='nat'><nat ipv6='yes'/></forward>", true, false), ("<forward mode='route'/>", true, true),
        ("", false, false),
        ("<forward mode='open'/>", true, true),
    ]

    /// Who reaches whom: nat outwards only, route and open both ways, isolated not at all; guests each other always.
    @Test(arguments: modes.indices)
    func forwardModes(_ row: Int) async throws {
        let (forward, outwards, inwards) = Self.modes[row]
        try await withScratch { scratch in
            let uuid = try await scratch.define(
                """
                <network><name>n</name>\(forward)<bridge stp='off'/><dns enable='no'/>
                <ip address='192.168.77.1' prefix='24'/><ip family='ipv6' address='fd00:77::1' prefix='64'/></network>
                """)
            let world = try await world(for: scratch)
            defer { world.close() }
            try await scratch.start(uuid)
            // Isolated means also that a host which forwards for others keeps out of it.
            try await scratch.inside { _, _ in
                for path in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                    let file = try #require(fopen("/proc/sys/net/\(path)", "w"))
                    fputs("1", file)
                    fclose(file)
                }
            }
            let bridge = try #require(try await scratch.summary(uuid).bridge)
            let guest = try Place()
            let other = try Place()
            defer {
                guest.close()
                other.close()
            }
            try await plug(guest, into: bridge, of: scratch)
            try await plug(other, into: bridge, of: scratch, port: "tap1")
            try await guest.run {
                try Self.address("eth0", "192.168.77.10/24", gateway: "192.168.77.1")
                try Self.address("eth0", "fd00:77::10/64", gateway: "fd00:77::1")
            }
            try await other.run { try Self.address("eth0", "192.168.77.11/24") }
            try await world.run {
                // The world knows the way back only where it would know it in earnest.
                let session = try NetlinkSession()
                let index = try #require(try session.link(named: "eth0")?.index)
                for (subnet, gateway) in [("192.168.77.0/24", "203.0.113.1"), ("fd00:77::/64", "2001:db8:ff::1")]
                where inwards || !outwards {
                    try session.addRoute(
                        Route(destination: #require(IPPrefix(subnet)), gateway: IPAddress(gateway), index: index))
                }
            }
            let reached = try await guest.run {
                [
                    try Self.pings("192.168.77.1", expected: true), try Self.pings("192.168.77.11", expected: true),
                    try Self.pings("203.0.113.2", expected: outwards),
                    try Self.pings("2001:db8:ff::2", expected: outwards),
                ]
            }
            #expect(reached == [true, true, outwards, outwards], "\(forward)")
            let back = try await world.run {
                [try Self.pings("192.168.77.10", expected: inwards), try Self.pings("fd00:77::10", expected: inwards)]
            }
            #expect(back == [inwards, inwards], "\(forward)")
            try await scratch.destroy(uuid)
        }
    }

    /// A tap of the interface provider joins the bridge and goes with its descriptor.
    @Test func taps() async throws {
        try await withScratch { scratch in
            let uuid = try await scratch.define(natXML)
            let mac = try #require(MACAddress("52:54:00:12:34:56"))
            let interface = InterfaceDefinition(source: .network("default"), mac: mac)
            let request = InterfaceRequest(domain: UUID(), domainName: "guest", index: 3, definition: interface)
            let inactive = await #expect(throws: LodgeError.self) {
                try await scratch.perform { (driver, context) throws(LodgeError) in
                    _ = try driver.plan(request, context: context)
                }
            }
            #expect(inactive?.code == .invalidState && inactive?.hint == "'lodge net-start default' starts it")
            #expect(
                try await scratch.perform { (driver, context) throws(LodgeError) in
                    try driver.inactiveNetworks(of: [request, request], context: context)
                } == ["default"])
            try await scratch.start(uuid)
            try await scratch.inside { driver, context in
                let plan = try driver.plan(request, context: context)
                let name = try #require(plan.tapName)
                #expect(name.hasSuffix("-3") && name.utf8.count <= 15 && plan.bridge == "virbr0" && plan.mtu == 1500)
                let session = try NetlinkSession()
                #expect(try session.link(named: name) == nil, "planning makes nothing")
                let attached = try driver.attach(plan, context: context)
                let tap = try #require(try session.link(named: name))
                let bridge = try #require(try session.link(named: "virbr0"))
                #expect(tap.master == bridge.index && tap.isUp && tap.mac?.description == "fe:54:00:12:34:56")
                #expect(plan.resources.contains(.link(name: name, index: tap.index, kind: "tun", mac: tap.mac)))
                #expect(bridge.mac == NetworkPlan.mac(of: uuid), "the bridge keeps its own address")
                // A network can go while guests are attached; their taps stay.
                try driver.destroy(uuid, context: context)
                #expect(try session.link(named: name)?.master == nil)
                #expect(attached.tap.raw > 2)
                _ = consume attached
                #expect(try session.link(named: name) == nil)
                try driver.detach(plan.resources, context: context)
            }
            let unknown = InterfaceRequest(
                domain: UUID(), domainName: "guest", index: 0, definition: InterfaceDefinition(source: .network("../x"))
            )
            let missing = await #expect(throws: LodgeError.self) {
                try await scratch.perform { (driver, context) throws(LodgeError) in
                    _ = try driver.plan(unknown, context: context)
                }
            }
            #expect(missing?.code == .notFound)
            try await scratch.expectNothingLeft()
        }
    }
}
