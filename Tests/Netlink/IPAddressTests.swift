import LodgeCore
import Testing

@Suite("Addresses and prefixes")
struct IPAddressTests {
    @Test func textForms() throws {
        #expect(IPAddress("192.168.122.1")?.description == "192.168.122.1")
        #expect(IPAddress("2001:DB8:0::1")?.description == "2001:db8::1")
        #expect(IPAddress("::ffff:1.2.3.4")?.family == .ipv6)
        for text in [
            "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/24", "fe80::1%eth0", " 1.2.3.4", "1.2.3.4\0x", ":::",
        ] {
            #expect(IPAddress(text) == nil, "\(text)")
        }
    }

    @Test func prefixArithmetic() throws {
        let prefix = try #require(IPPrefix("192.168.122.77/26"))
        #expect(prefix.network.description == "192.168.122.64/26")
        #expect(prefix.last.description == "192.168.122.127")
        #expect(prefix.netmask.description == "255.255.255.192")
        let all = try #require(IPPrefix("0.0.0.0/0"))
        #expect(all.contains(prefix.address) && all.overlaps(prefix) && prefix.overlaps(all))
        #expect(all.last.description == "255.255.255.255")
        let six = try #require(IPPrefix("fd00::1/64"))
        #expect(!six.overlaps(prefix) && six.last.description == "fd00::ffff:ffff:ffff:ffff")
        #expect(try #require(IPPrefix("::/0")).last.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        #expect(IPPrefix("1.2.3.4/33") == nil && IPPrefix("1.2.3.4/-1") == nil && IPPrefix("1.2.3.4/+1") == nil)
    }

    @Test func netmasks() throws {
        let address = try #require(IPAddress("10.0.0.1"))
        let mask = try #require(IPAddress("255.255.254.0"))
        #expect(IPPrefix(address, netmask: mask)?.length == 23)
        let hole = try #require(IPAddress("255.0.255.0"))
        #expect(IPPrefix(address, netmask: hole) == nil)
    }
}
