public import FoundationEssentials

/// Whether a network is there, in virsh's words.
public enum NetworkState: String, Sendable, Hashable, Codable {
    case active
    case inactive
    /// It cannot be told; it is not started a second time.
    case unknown
}

/// One line of `net-list`.
public struct NetworkSummary: Sendable, Hashable, Codable {
    /// Nil when the definition cannot be read and nothing runs: ``reason`` says why.
    public var uuid: UUID?
    public var name: String
    public var active: Bool
    public var state: NetworkState
    /// Whether a definition outlives the run.
    public var persistent: Bool
    public var autostart: Bool
    public var bridge: String?
    /// Why the state is as it is, where that is not plain.
    public var reason: String?

    public init(
        uuid: UUID?, name: String, state: NetworkState, persistent: Bool, autostart: Bool, bridge: String?,
        reason: String? = nil
    ) {
        self.uuid = uuid
        self.name = name
        self.state = state
        active = state == .active
        self.persistent = persistent
        self.autostart = autostart
        self.bridge = bridge
        self.reason = reason
    }
}

/// What `net-info` shows.
public struct NetworkInfo: Sendable, Hashable, Codable {
    public var uuid: UUID
    public var name: String
    public var active: Bool
    public var state: NetworkState
    public var persistent: Bool
    public var autostart: Bool
    public var bridge: String?
    public var reason: String?
    /// `isolated`, `nat`, `route`, `open` or `bridge`.
    public var mode: String
    /// The bridge's addresses, as the definition has them.
    public var addresses: [String]
    /// dnsmasq's, when it runs.
    public var pid: Int32?

    public init(
        _ summary: NetworkSummary, uuid: UUID, mode: String, addresses: [String], pid: Int32?
    ) {
        self.uuid = uuid
        name = summary.name
        active = summary.active
        state = summary.state
        persistent = summary.persistent
        autostart = summary.autostart
        bridge = summary.bridge
        reason = summary.reason
        self.mode = mode
        self.addresses = addresses
        self.pid = pid
    }
}

/// An address that a network's DHCP server has given out.
public struct DHCPLease: Sendable, Hashable, Codable {
    /// Seconds since 1970; 0 without end.
    public var expiry: Int64
    /// Empty when the server does not tell it (DHCPv6 with an identifier that is not made of one).
    public var mac: String
    /// `ipv4` or `ipv6`.
    public var `protocol`: String
    /// With the prefix length: `192.168.122.5/24`.
    public var address: String
    public var hostname: String?
    /// The client's identifier, or DUID for IPv6.
    public var clientID: String?

    public init(
        expiry: Int64, mac: String, protocol: String, address: String, hostname: String?, clientID: String?
    ) {
        self.expiry = expiry
        self.mac = mac
        self.protocol = `protocol`
        self.address = address
        self.hostname = hostname
        self.clientID = clientID
    }
}
