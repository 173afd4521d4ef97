/// `<dhcp>`.
public struct NetworkDHCP: Sendable, Hashable {
    public var ranges: [Range]
    public var hosts: [Host]
    public var bootp: Bootp?

    public init(ranges: [Range] = [], hosts: [Host] = [], bootp: Bootp? = nil) {
        self.ranges = ranges
        self.hosts = hosts
        self.bootp = bootp
    }

    public struct Range: Sendable, Hashable {
        public var addresses: ClosedRange<IPAddress>
        public var lease: Lease?

        public init(addresses: ClosedRange<IPAddress>, lease: Lease? = nil) {
            self.addresses = addresses
            self.lease = lease
        }
    }

    /// A fixed address for a guest known by MAC address, DHCPv6 identifier or name.
    public struct Host: Sendable, Hashable {
        public var mac: MACAddress?
        /// A DHCPv6 unique identifier: pairs of hexadecimal digits between colons.
        public var id: String?
        public var name: String?
        public var address: IPAddress
        public var lease: Lease?

        public init(
            mac: MACAddress? = nil, id: String? = nil, name: String? = nil, address: IPAddress, lease: Lease? = nil
        ) {
            self.mac = mac
            self.id = id
            self.name = name
            self.address = address
            self.lease = lease
        }
    }

    /// How long an address is given for.
    public struct Lease: Sendable, Hashable {
        public enum Unit: String, Sendable, Hashable, CaseIterable, XMLValue {
            case seconds, minutes, hours

            var seconds: UInt64 {
                switch self {
                case .seconds: 1
                case .minutes: 60
                case .hours: 3600
                }
            }
        }

        /// 0 means without end.
        public var expiry: UInt64
        /// Nil means minutes, as in libvirt.
        public var unit: Unit?

        /// In seconds, nil without end.
        public var seconds: UInt64? {
            expiry == 0 ? nil : expiry.multipliedReportingOverflow(by: (unit ?? .minutes).seconds).partialValue
        }
    }

    /// What a guest without a disk loads.
    public struct Bootp: Sendable, Hashable {
        public var file: String
        /// The TFTP server; nil: the network's own address.
        public var server: String?

        public init(file: String, server: String? = nil) {
            self.file = file
            self.server = server
        }
    }
}

extension NetworkDHCP {
    init(_ reader: ElementReader, in prefix: IPPrefix) {
        let ranges = reader.children("range") { child throws(LodgeError) in try Range(child, in: prefix) }
        let hosts = reader.children("host") { child throws(LodgeError) in try Host(child, in: prefix) }
        let bootp = reader.child("bootp") { child throws(LodgeError) -> Bootp? in
            guard prefix.family == .ipv4 else {
                throw child.error("<bootp> in an IPv6 <ip>", code: .unsupported, hint: "move it to an IPv4 <ip>")
            }
            _ = try child.required("file")
            guard let file = child.line("file", limit: 400) else { return nil }
            return Bootp(file: file, server: child.dnsName("server"))
        }
        self.init(ranges: ranges, hosts: hosts, bootp: bootp)
        if prefix.family == .ipv6, prefix.length < 64 {
            reader.record(
                "DHCP for IPv6 needs a prefix of at least 64 bits, not \(prefix.length)", code: .unsupported,
                hint: "use prefix='64'")
        }
        for (position, host) in hosts.enumerated() {
            let isDouble = hosts[..<position].contains { other in
                other.address == host.address || (host.mac != nil && other.mac == host.mac)
                    || (host.id != nil && other.id == host.id)
            }
            if isDouble {
                reader.record(
                    "a second <host> with the address \(host.address) or its identification",
                    hint: "keep one <host> for each guest and address")
            }
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("dhcp") { dhcp in
            for range in ranges {
                dhcp.element("range") { element in
                    element.attribute("start", range.addresses.lowerBound)
                    element.attribute("end", range.addresses.upperBound)
                    range.lease?.write(to: &element)
                }
            }
            for host in hosts {
                dhcp.element("host") { element in
                    element.attribute("mac", host.mac)
                    element.attribute("id", host.id)
                    element.attribute("name", host.name)
                    element.attribute("ip", host.address)
                    host.lease?.write(to: &element)
                }
            }
            if let bootp {
                dhcp.element("bootp") { element in
                    element.attribute("file", bootp.file)
                    element.attribute("server", bootp.server)
                }
            }
        }
    }
}

extension NetworkDHCP.Range {
    fileprivate init(_ reader: ElementReader, in prefix: IPPrefix) throws(LodgeError) {
        let start: IPAddress = try reader.required("start")
        let end: IPAddress = try reader.required("end")
        guard prefix.contains(start), prefix.contains(end), start <= end else {
            throw reader.error(
                "\(start) to \(end) is no range in \(prefix.network)",
                hint: "give the lower address as start, both inside the network")
        }
        if prefix.family == .ipv4, prefix.length < 31, start == prefix.network.address || end == prefix.last {
            throw reader.error(
                "the range \(start) to \(end) takes in the network's own or its broadcast address",
                hint: "leave out \(prefix.network.address) and \(prefix.last)")
        }
        self.init(addresses: start...end, lease: reader.lease())
    }
}

extension NetworkDHCP.Host {
    fileprivate init(_ reader: ElementReader, in prefix: IPPrefix) throws(LodgeError) {
        let address: IPAddress = try reader.required("ip")
        guard prefix.contains(address) else {
            throw reader.error(
                "\(address) is not in the network \(prefix.network)", hint: "use an address of that network",
                attribute: "ip")
        }
        let mac = reader.attribute("mac", as: MACAddress.self)
        let id = reader.attribute("id")
        let name = reader.dnsName("name")
        if let id, !Self.isIdentifier(id) {
            reader.record(
                "'\(excerpt(id))' is no DHCP unique identifier", hint: "write pairs of hexadecimal digits and colons",
                attribute: "id")
        }
        if let mac, mac.isMulticast || mac.value == 0 {
            reader.record("\(mac) is no address that an interface can have", attribute: "mac")
        }
        switch prefix.family {
        case .ipv4:
            if id != nil {
                reader.record("an IPv4 <host> is not known by an id", hint: "use mac='…'", attribute: "id")
            }
            if mac == nil && name == nil {
                reader.record("an IPv4 <host> needs mac or name", hint: "add mac='…'")
            }
        case .ipv6:
            if mac != nil {
                reader.record("an IPv6 <host> is not known by a MAC address", hint: "use id='…'", attribute: "mac")
            }
            if id == nil && name == nil {
                reader.record("an IPv6 <host> needs id or name", hint: "add id='…'")
            }
        }
        self.init(mac: mac, id: id, name: name, address: address, lease: reader.lease())
    }

    private static func isIdentifier(_ text: String) -> Bool {
        let groups = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return (2...130).contains(groups.count)
            && groups.allSatisfy { (1...2).contains($0.count) && UInt8(hexDigits: $0) != nil }
    }
}

extension ElementReader {
    /// Takes `<lease expiry='…' unit='…'/>`. dnsmasq gives nothing for less than two minutes.
    fileprivate func lease() -> NetworkDHCP.Lease? {
        child("lease") { child throws(LodgeError) in
            let expiry: UInt64 = try child.required("expiry")
            let lease = NetworkDHCP.Lease(expiry: expiry, unit: child.attribute("unit"))
            if let seconds = lease.seconds, !(120...UInt64(UInt32.max)).contains(seconds) || expiry > 1 << 32 {
                throw child.error(
                    "a lease of \(expiry) \((lease.unit ?? .minutes).rawValue) cannot be given",
                    hint: "use two minutes or more, or expiry='0' for no end", attribute: "expiry")
            }
            return lease
        }
    }
}

extension NetworkDHCP.Lease {
    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("lease") { lease in
            lease.attribute("expiry", expiry)
            lease.attribute("unit", unit)
        }
    }
}
