import CLibNL
import Glibc
public import LodgeCore
import SystemPackage

/// What to set on a link; nil leaves it as it is. All of it goes in one request.
public struct LinkChange: Sendable {
    public var name: String?
    public var alias: String?
    public var mac: MACAddress?
    public var mtu: UInt32?
    /// The bridge's ifindex; 0 takes the link out of its bridge.
    public var master: Int32?
    public var isUp: Bool?

    public init(
        name: String? = nil, alias: String? = nil, mac: MACAddress? = nil, mtu: UInt32? = nil, master: Int32? = nil,
        isUp: Bool? = nil
    ) {
        self.name = name
        self.alias = alias
        self.mac = mac
        self.mtu = mtu
        self.master = master
        self.isUp = isUp
    }
}

/// A bridge to be made.
public struct BridgeRequest: Sendable, Hashable {
    public var name: String
    /// Chosen beforehand, so that a record can name the bridge before it exists.
    public var index: Int32
    public var mac: MACAddress
    public var stp: Bool
    /// In hundredths of a second. With STP on, the kernel raises it to its minimum of two seconds.
    public var forwardDelay: UInt32

    public init(name: String, index: Int32, mac: MACAddress, stp: Bool, forwardDelay: UInt32) {
        self.name = name
        self.index = index
        self.mac = mac
        self.stp = stp
        self.forwardDelay = forwardDelay
    }
}

extension NetlinkSession {
    /// All links, or those of one kind (`bridge`), in one dump.
    public func links(kind: String? = nil) throws(LodgeError) -> [Link] {
        var links: [Link] = []
        try dump(RTM_GETLINK, "cannot list the network interfaces") { message in
            message.append(ifinfomsg())
            message.put(IFLA_EXT_MASK, u32: UInt32(RTEXT_FILTER_SKIP_STATS))
            if let kind { message.nest(IFLA_LINKINFO) { $0.put(IFLA_INFO_KIND, string: kind) } }
        } _: { message in
            if let link = Link(message), kind == nil || link.kind == kind { links.append(link) }
        } restart: {
            links.removeAll()
        }
        return links
    }

    /// The link with this ifindex; nil when there is none.
    public func link(index: Int32) throws(LodgeError) -> Link? {
        guard index > 0 else { return nil }
        return try get(RTM_GETLINK, "cannot look up interface \(index)") { message in
            message.append(ifinfomsg(index: index))
            message.put(IFLA_EXT_MASK, u32: UInt32(RTEXT_FILTER_SKIP_STATS))
        }.flatMap(Link.init)
    }

    /// The link with this name; nil when there is none, also for names that no link can have.
    public func link(named name: String) throws(LodgeError) -> Link? {
        guard !name.isEmpty, name.utf8.count <= LinkName.limit, !name.utf8.contains(0) else { return nil }
        let link = try get(RTM_GETLINK, "cannot look up interface '\(name)'") { message in
            message.append(ifinfomsg(index: 0))
            message.put(IFLA_EXT_MASK, u32: UInt32(RTEXT_FILTER_SKIP_STATS))
            message.put(IFLA_IFNAME, string: name)
        }.flatMap(Link.init)
        // The kernel also answers to alternative names.
        return link?.name == name ? link : nil
    }

    /// Makes a bridge, down, with the given name, ifindex and address.
    ///
    /// - Throws: `alreadyExists` when the name is taken, `busy` when the ifindex is.
    public func createBridge(_ bridge: BridgeRequest) throws(LodgeError) {
        try LinkName.check(bridge.name)
        try create("cannot create the bridge '\(bridge.name)'") { message in
            message.append(ifinfomsg(index: bridge.index))
            message.put(IFLA_IFNAME, string: bridge.name)
            message.put(IFLA_ADDRESS, bridge.mac.bytes)
            message.nest(IFLA_LINKINFO) { info in
                info.put(IFLA_INFO_KIND, string: "bridge")
                info.nest(IFLA_INFO_DATA) { data in
                    data.put(IFLA_BR_FORWARD_DELAY, u32: bridge.forwardDelay)
                    data.put(IFLA_BR_STP_STATE, u32: bridge.stp ? 1 : 0)
                }
            }
        }
    }

    /// Makes a pair of connected interfaces; the peer may be born in another namespace, given by its descriptor.
    public func createVeth(name: String, peer: String, peerNamespace: CInt? = nil) throws(LodgeError) {
        try LinkName.check(name)
        try LinkName.check(peer)
        try create("cannot create the interfaces '\(name)' and '\(peer)'") { message in
            message.append(ifinfomsg(index: 0))
            message.put(IFLA_IFNAME, string: name)
            message.nest(IFLA_LINKINFO) { info in
                info.put(IFLA_INFO_KIND, string: "veth")
                info.nest(IFLA_INFO_DATA) { data in
                    data.nest(VETH_INFO_PEER) { other in
                        other.append(ifinfomsg(index: 0))
                        other.put(IFLA_IFNAME, string: peer)
                        if let peerNamespace {
                            other.put(IFLA_NET_NS_FD, u32: UInt32(bitPattern: peerNamespace))
                        }
                    }
                }
            }
        }
    }

    private func create(_ what: String, _ build: (inout MessageWriter) -> Void) throws(LodgeError) {
        try change(RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, what, build)
    }

    /// Applies a change to the link with this ifindex.
    ///
    /// - Throws: `notFound` when there is no such link any more.
    public func set(index: Int32, _ wanted: LinkChange, of name: String) throws(LodgeError) {
        if let name = wanted.name { try LinkName.check(name) }
        try change(RTM_NEWLINK, "cannot change the interface '\(name)'") { message in
            var header = ifinfomsg(index: index)
            if let isUp = wanted.isUp {
                header.ifi_change = UInt32(IFF_UP)
                header.ifi_flags = isUp ? UInt32(IFF_UP) : 0
            }
            message.append(header)
            if let name = wanted.name { message.put(IFLA_IFNAME, string: name) }
            if let mac = wanted.mac { message.put(IFLA_ADDRESS, mac.bytes) }
            if let mtu = wanted.mtu { message.put(IFLA_MTU, u32: mtu) }
            if let alias = wanted.alias { message.put(IFLA_IFALIAS, Array(alias.utf8.prefix(255))) }
            if let master = wanted.master { message.put(IFLA_MASTER, u32: UInt32(bitPattern: master)) }
        }
    }

    /// Moves a link into another namespace, given by its descriptor, where it keeps its name.
    public func move(index: Int32, to namespace: CInt) throws(LodgeError) {
        try change(RTM_NEWLINK, "cannot move interface \(index) to another namespace") { message in
            message.append(ifinfomsg(index: index))
            message.put(IFLA_NET_NS_FD, u32: UInt32(bitPattern: namespace))
        }
    }

    /// Deletes the link with this ifindex if it is of the given kind; true when it was there.
    ///
    /// The ifindex decides, so that a link of another maker with the same name is left alone. A rename does not hide
    /// ours: ifindexes are not used again before the counter has gone round.
    @discardableResult
    public func deleteLink(index: Int32, kind: String) throws(LodgeError) -> Bool {
        guard let link = try link(index: index) else { return false }
        guard link.kind == kind else { return false }
        do {
            try change(RTM_DELLINK, "cannot delete the interface '\(link.name)'") { message in
                message.append(ifinfomsg(index: index))
            }
        } catch {
            if error.isNoSuchLink { return false }
            throw error
        }
        return true
    }
}

extension LodgeError {
    /// The kernel's answer for an ifindex that is not there (any more).
    public var isNoSuchLink: Bool {
        if case .netlink(let errno, _) = cause { errno == Errno(rawValue: ENODEV) } else { false }
    }
}

extension ifinfomsg {
    init(index: Int32) {
        self.init()
        ifi_index = index
    }
}
