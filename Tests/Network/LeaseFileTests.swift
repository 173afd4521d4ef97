import LodgeCore
import Testing

@testable import LodgeNetwork

@Suite("dnsmasq's lease file")
struct LeaseFileTests {
    let prefixes = ["192.168.122.1/24", "fd00::1/64"].compactMap { IPPrefix($0) }

    func read(_ text: String, mac: String? = nil) -> [DHCPLease] {
        LeaseFile.leases(in: Array(text.utf8), prefixes: prefixes, now: 1000, mac: mac.flatMap { MACAddress($0) })
    }

    @Test func bothFamilies() {
        let leases = read(
            """
            2000 52:54:00:aa:bb:cc 192.168.122.5 guest 01:52:54:00:aa:bb:cc
            0 52:54:00:aa:bb:cd 192.168.122.6 * *
            duid 00:01:00:01:2e:4a:52:54:00:01:02:03
            2000 7654321 fd00::5 six 00:01:00:01:2c:11:22:33:52:54:00:aa:bb:ce
            2000 T7654321 fd00::6 * 00:03:00:01:52:54:00:aa:bb:cf
            2000 1 fd00::7 * 00:02:00:00:ab:11:01
            """)
        #expect(
            leases.map(\.address) == ["192.168.122.5/24", "192.168.122.6/24", "fd00::5/64", "fd00::6/64", "fd00::7/64"])
        #expect(
            leases.map(\.mac) == [
                "52:54:00:aa:bb:cc", "52:54:00:aa:bb:cd", "52:54:00:aa:bb:ce", "52:54:00:aa:bb:cf", "",
            ])
        #expect(leases.map(\.hostname) == ["guest", nil, "six", nil, nil])
        #expect(leases.map(\.protocol) == ["ipv4", "ipv4", "ipv6", "ipv6", "ipv6"])
        #expect(leases[1].expiry == 0 && leases[1].clientID == nil)
    }

    @Test func expiredAndOthersAreLeftOut() {
        let text = "999 52:54:00:aa:bb:cc 192.168.122.5 a *\n2000 52:54:00:aa:bb:cd 192.168.122.6 b *\n"
        #expect(read(text).map(\.hostname) == ["b"])
        #expect(read(text, mac: "52:54:00:AA:BB:CD").count == 1)
        #expect(read(text, mac: "52:54:00:aa:bb:ee").isEmpty)
    }

    @Test(arguments: [
        "", "\n\n", "x", "2000", "-1 a b c d", "99999999999999999999 52:54:00:aa:bb:cc 192.168.122.5 a *",
        "2000 52:54:00:aa:bb:cc notanip a *", "duid", "duid \u{0}", String(repeating: "9", count: 5000),
        "2000 52:54:00:aa:bb:cc 192.168.122.5",
    ])
    func rubbishIsPassedOver(_ text: String) { #expect(read(text).isEmpty) }

    @Test func hostileNames() {
        let leases = read("2000 zz 192.168.122.5 \u{1b}[2Jx 01:\u{7}")
        #expect(leases.first?.hostname == "?[2Jx" && leases.first?.mac == "" && leases.first?.clientID == "01:?")
    }
}
