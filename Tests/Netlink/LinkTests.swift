import Glibc
import LodgeCore
import LodgeNetlink
import SystemPackage
import Testing

@Suite("Links on the real kernel", .enabled(if: geteuid() == 0, "needs root for a network namespace"))
struct LinkTests {
    let mac = MACAddress(0x52, 0x54, 0, 1, 2, 3)

    @Test func bridgeFromBirthToDeath() throws {
        try inScratchNamespace { [mac] in
            let session = try NetlinkSession()
            let index = LinkName.randomIndex()
            try session.createBridge(
                BridgeRequest(name: "virbr7", index: index, mac: mac, stp: true, forwardDelay: 0))
            try session.set(index: index, LinkChange(alias: "lodge:x", mtu: 1400, isUp: true), of: "virbr7")
            let link = try #require(try session.link(index: index))
            #expect(link.name == "virbr7" && link.kind == "bridge" && link.alias == "lodge:x" && link.mac == mac)
            #expect(link.mtu == 1400 && link.isUp && link.master == nil)
            #expect(try session.link(named: "virbr7") == link)
            #expect(try session.links(kind: "bridge") == [link])
            #expect(try session.links().count == 2)
            #expect(try !session.deleteLink(index: index, kind: "tun"), "another kind is not ours")
            #expect(try session.deleteLink(index: index, kind: "bridge"))
            #expect(try !session.deleteLink(index: index, kind: "bridge"))
            #expect(try session.link(index: index) == nil)
            #expect(try session.link(named: "virbr7") == nil)
        }
    }

    @Test func refusalsCarryTheKernelsWords() throws {
        try inScratchNamespace { [mac] in
            let session = try NetlinkSession()
            let index = LinkName.randomIndex()
            let bridge = BridgeRequest(name: "br0", index: index, mac: mac, stp: false, forwardDelay: 0)
            try session.createBridge(bridge)
            let taken = #expect(throws: LodgeError.self) { try session.createBridge(bridge) }
            #expect(taken?.code == .alreadyExists)
            let text = #expect(throws: LodgeError.self) {
                try session.set(index: index, LinkChange(mtu: 7), of: "br0")
            }
            guard case .netlink(.invalidArgument, let words?) = text?.cause else {
                Issue.record("no extended text: \(String(describing: text))")
                return
            }
            #expect(words.contains("mtu"))
            let missing = #expect(throws: LodgeError.self) {
                try session.set(index: index + 1, LinkChange(isUp: true), of: "gone")
            }
            #expect(missing?.isNoSuchLink == true)
        }
    }

    @Test func twoSessionsInOneThreadAndManyLinks() throws {
        try inScratchNamespace { [mac] in
            let one = try NetlinkSession()
            let other = try NetlinkSession()
            for number in 0..<120 {
                let request = BridgeRequest(
                    name: "b\(number)", index: LinkName.randomIndex(),
                    mac: MACAddress(truncating: mac.value + UInt64(number)), stp: false, forwardDelay: 0)
                try (number.isMultiple(of: 2) ? one : other).createBridge(request)
            }
            let links = try one.links(kind: "bridge")
            #expect(links.count == 120)
            #expect(Set(links.map(\.name)).count == 120)
            #expect(try other.links().count == 121)
        }
    }

    @Test func addressesAndRoutes() throws {
        try inScratchNamespace { [mac] in
            let session = try NetlinkSession()
            let index = LinkName.randomIndex()
            try session.createBridge(
                BridgeRequest(name: "br0", index: index, mac: mac, stp: false, forwardDelay: 0))
            let four = try #require(IPPrefix("192.168.122.1/24"))
            let six = try #require(IPPrefix("fd00:1::1/64"))
            for prefix in [four, six, four] { try session.addAddress(prefix, index: index, of: "br0") }
            #expect(Set(try session.addresses(index: index).map(\.prefix)) == [four, six])
            try session.set(index: index, LinkChange(isUp: true), of: "br0")
            let target = try #require(IPPrefix("10.9.0.0/16"))
            let route = Route(destination: target, gateway: IPAddress("192.168.122.9"))
            try session.addRoute(route)
            try session.addRoute(route)
            let routes = try session.routes()
            #expect(routes.contains { $0.destination == target && $0.index == index })
            #expect(routes.contains { $0.destination == four.network && $0.gateway == nil })
            #expect(routes.contains { $0.destination == six.network })
            for _ in 0..<2 { try session.deleteAddress(four, index: index, of: "br0") }
            #expect(!(try session.addresses().contains { $0.prefix == four }))
        }
    }

    @Test func tapHangsOnItsDescriptor() throws {
        try inScratchNamespace { [mac] in
            let session = try NetlinkSession()
            let bridge = LinkName.randomIndex()
            try session.createBridge(
                BridgeRequest(name: "br0", index: bridge, mac: mac, stp: false, forwardDelay: 0))
            let index = LinkName.randomIndex()
            let tap = try Tap.open(name: "tap0", index: index)
            let guest = MACAddress(0xfe, 0x54, 0, 1, 2, 3)
            try session.set(
                index: index, LinkChange(mac: guest, mtu: 1400, master: bridge, isUp: true), of: "tap0")
            let link = try #require(try session.link(index: index))
            #expect(link.kind == "tun" && link.master == bridge && link.mac == guest && link.isUp && link.mtu == 1400)
            #expect(try session.link(index: bridge)?.mac == mac, "the bridge keeps its own address")
            let taken = #expect(throws: LodgeError.self) {
                _ = try Tap.open(name: "tap0", index: LinkName.randomIndex()).raw
            }
            #expect(taken?.code == .busy)
            try tap.close()
            #expect(try session.link(index: index) == nil)
        }
    }

    @Test func vethReachesIntoAnotherNamespace() throws {
        try inScratchNamespace {
            let session = try NetlinkSession()
            try session.createVeth(name: "a", peer: "b")
            let names = try session.links(kind: "veth").map(\.name).sorted()
            #expect(names == ["a", "b"])
        }
    }

    @Test(arguments: [
        "", "a/b", "a b", "tap*", "x\"y", "v%d", "sixteen-bytes-xy", ".", "all", "-x", "a\nb", "a\0b", "é",
    ])
    func hostileNames(_ name: String) throws {
        #expect(LinkName.fault(in: name) != nil)
        #expect(throws: LodgeError.self) { try LinkName.check(name) }
    }

    @Test func namesThatNoLinkCanHaveAreNotFound() throws {
        try inScratchNamespace {
            let session = try NetlinkSession()
            for name in ["", "sixteen-bytes-xy", "lo\0x", "nothere"] {
                #expect(try session.link(named: name) == nil)
            }
            #expect(try session.link(index: -1) == nil)
        }
    }
}
