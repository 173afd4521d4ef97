/// `<ip>`: an address of the network's bridge, with what is served in its subnet.
public struct NetworkAddress: Sendable, Hashable {
    public var prefix: IPPrefix
    /// Whether the length is written as a netmask.
    public var writesNetmask: Bool
    /// `family` was written although it is IPv4.
    public var writesFamily: Bool
    /// Reverse look-ups of the subnet are answered here or not at all.
    public var localPtr: Bool?
    public var tftpRoot: String?
    public var dhcp: NetworkDHCP?

    public init(prefix: IPPrefix, dhcp: NetworkDHCP? = nil) {
        self.prefix = prefix
        writesNetmask = prefix.family == .ipv4
        writesFamily = prefix.family == .ipv6
        self.dhcp = dhcp
    }
}

/// `<route>`: a subnet that is reached through a guest of the network.
public struct NetworkRoute: Sendable, Hashable {
    public var destination: IPPrefix
    public var writesNetmask: Bool
    public var writesFamily: Bool
    public var gateway: IPAddress
    public var metric: UInt32?
}

extension IPAddress: XMLValue {
    public init?(xmlText: String) { self.init(xmlText) }
    public var xmlText: String { description }
    public static var expectation: String { "an IP address like 192.168.122.1 or fd00::1" }
}

extension IPAddress.Family: XMLValue {}

extension NetworkAddress {
    init(_ reader: ElementReader) throws(LodgeError) {
        let (prefix, netmask, family) = try reader.prefix()
        self.init(prefix: prefix)
        writesNetmask = netmask
        writesFamily = family
        let address = prefix.address
        if address.isMulticast || address.isUnspecified || address.isLoopback {
            reader.record(
                "\(address) cannot be a bridge's address", hint: "use one like 192.168.122.1", attribute: "address")
        }
        localPtr = reader.yesNo("localPtr")
        if localPtr == true, prefix.family == .ipv4, !prefix.length.isMultiple(of: 8) || prefix.length == 0 {
            reader.record(
                "localPtr needs a prefix of 8, 16, 24 or 32 bits", hint: "leave it out", attribute: "localPtr")
        }
        if localPtr == true, prefix.family == .ipv6, !prefix.length.isMultiple(of: 4) || prefix.length == 0 {
            reader.record("localPtr needs a prefix of whole digits", hint: "leave it out", attribute: "localPtr")
        }
        tftpRoot = reader.child("tftp") { child throws(LodgeError) in
            guard let root = child.line("root", limit: 900) else { return nil }
            guard root.hasPrefix("/") else {
                throw child.error("'\(excerpt(root))' as @root of <tftp> is no absolute path", attribute: "root")
            }
            return root
        }
        dhcp = reader.child("dhcp") { child throws(LodgeError) in NetworkDHCP(child, in: prefix) }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("ip") { ip in
            ip.prefix(prefix, netmask: writesNetmask, family: writesFamily)
            ip.attribute("localPtr", yesNo: localPtr)
            ip.element("tftp", "root", tftpRoot)
            dhcp?.write(to: &ip)
        }
    }
}

extension NetworkRoute {
    init(_ reader: ElementReader) throws(LodgeError) {
        let (prefix, netmask, family) = try reader.prefix()
        destination = prefix
        writesNetmask = netmask
        writesFamily = family
        gateway = try reader.required("gateway")
        metric = reader.attribute("metric", in: 1...UInt32.max)
        if gateway.family != prefix.family {
            reader.record(
                "the gateway \(gateway) and \(prefix) are of different families", hint: "use one family for both",
                attribute: "gateway")
        }
        if prefix.network != prefix {
            reader.record(
                "\(prefix) is an address in the network \(prefix.network)", hint: "use \(prefix.network.address)",
                attribute: "address")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("route") { route in
            route.prefix(destination, netmask: writesNetmask, family: writesFamily)
            route.attribute("gateway", gateway)
            route.attribute("metric", metric)
        }
    }
}

extension ElementReader {
    /// Takes `family`, `address` and `netmask` or `prefix`. Without either, IPv4 goes by its class and IPv6 has 64
    /// bits, as in libvirt.
    fileprivate func prefix() throws(LodgeError) -> (IPPrefix, netmask: Bool, family: Bool) {
        let family = attribute("family", as: IPAddress.Family.self)
        let address: IPAddress = try required("address")
        // libvirt takes IPv4 unless told otherwise.
        if address.family != family ?? .ipv4 {
            throw error(
                "\(address) is no \(family == .ipv6 ? "IPv6" : "IPv4") address",
                hint: "set family='\(address.family.rawValue)'", attribute: "address")
        }
        let netmask = attribute("netmask", as: IPAddress.self)
        let length: Int? = attribute("prefix", in: 0...address.family.width)
        if netmask != nil && length != nil {
            throw error("both netmask and prefix are given", hint: "keep one of them", attribute: "netmask")
        }
        if let netmask {
            guard let prefix = IPPrefix(address, netmask: netmask) else {
                throw error(
                    "\(netmask) is no netmask for \(address)", hint: "use one like 255.255.255.0, or prefix='24'",
                    attribute: "netmask")
            }
            return (prefix, true, family != nil)
        }
        guard let prefix = IPPrefix(address, length: length ?? address.classfulLength) else {
            throw error("no prefix length for \(address)", attribute: "prefix")
        }
        return (prefix, length == nil && address.family == .ipv4, family != nil)
    }
}

extension XMLWriter {
    fileprivate mutating func prefix(_ prefix: IPPrefix, netmask: Bool, family: Bool) {
        if family { attribute("family", prefix.family) }
        attribute("address", prefix.address)
        if netmask { attribute("netmask", prefix.netmask) } else { attribute("prefix", prefix.length) }
    }
}

extension IPAddress {
    /// The length that an address without one has: by class for IPv4, 64 for IPv6.
    fileprivate var classfulLength: Int {
        switch (family, value >> 24) {
        case (.ipv6, _): 64
        case (.ipv4, 0..<128): 8
        case (.ipv4, 128..<192): 16
        default: 24
        }
    }
}
