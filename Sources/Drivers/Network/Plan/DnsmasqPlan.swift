import LodgeCore

/// What dnsmasq is told for one network.
public struct DnsmasqPlan: Sendable, Hashable {
    /// The configuration file.
    public var configuration: String
    /// Router advertisements and DHCPv6 need raw sockets.
    public var needsRawSockets: Bool
    /// Whether leases are given.
    public var servesDHCP: Bool
    /// The directory that files are served from; it must be there.
    public var tftpRoot: String?

    /// Nil when there is nothing to serve: no address, or neither DHCP nor DNS wanted.
    init?(_ definition: NetworkDefinition, bridge: String, resolvers: [IPAddress]) throws(LodgeError) {
        let servesDNS = definition.dns?.isEnabled != false
        let dhcp = definition.addresses.filter(\.servesDHCP)
        let advertised = definition.addresses.filter { $0.prefix.family == .ipv6 && $0.prefix.length == 64 }
        let tftp = definition.addresses.compactMap(\.tftpRoot)
        guard !definition.addresses.isEmpty,
            servesDNS || !dhcp.isEmpty || !advertised.isEmpty || !tftp.isEmpty
        else { return nil }
        servesDHCP = !dhcp.isEmpty
        needsRawSockets = definition.addresses.contains { $0.prefix.family == .ipv6 }

        var writer = DnsmasqWriter()
        // One process, no inotify instance, no lookup of users: what 500 networks on one host need.
        for option in ["keep-in-foreground", "no-resolv", "no-poll", "strict-order", "bind-interfaces"] {
            try writer.option(option)
        }
        for option in ["user", "group", "pid-file"] { try writer.option(option, []) }
        try writer.option("interface", [.plain(bridge)])
        try writer.option("except-interface", [.plain("lo")])
        if servesDNS {
            try writer.names(definition, resolvers: resolvers)
        } else {
            try writer.option("port", [.plain("0")])
        }
        if let domain = definition.domain {
            try writer.option("domain", [.plain(domain.name)])
            try writer.option("expand-hosts")
        }
        try writer.leases(definition, dhcp: dhcp, advertised: advertised)
        // dnsmasq takes one root for all.
        tftpRoot = tftp.first
        if let root = tftpRoot {
            try writer.option("enable-tftp")
            try writer.option("tftp-root", [.quoted(root)])
        }
        configuration = writer.text
    }
}

extension NetworkAddress {
    /// An empty `<dhcp>` gives no address to anybody.
    fileprivate var servesDHCP: Bool { dhcp.map { !$0.ranges.isEmpty || !$0.hosts.isEmpty } ?? false }
}

extension DnsmasqWriter {
    fileprivate mutating func names(_ definition: NetworkDefinition, resolvers: [IPAddress]) throws(LodgeError) {
        let dns = definition.dns ?? NetworkDNS()
        for forwarder in dns.forwarders {
            let target = forwarder.address?.description ?? "#"
            try option("server", [.plain((forwarder.domain.map { "/\($0)/" } ?? "") + target)])
        }
        // An isolated network answers for itself only.
        let asksHost = definition.forward != nil && !dns.forwarders.contains { $0.domain == nil }
        if asksHost {
            for resolver in resolvers { try option("server", [.plain(resolver.description)]) }
        }
        if dns.forwardPlainNames == false {
            try option("domain-needed")
            try option("local", [.plain("//")])
        }
        if let domain = definition.domain, domain.localOnly == true {
            try option("local", [.plain("/\(domain.name)/")])
        }
        for address in definition.addresses where address.localPtr == true {
            try option("local", [.plain("/\(address.prefix.reverseZone)/")])
        }
        for text in dns.texts { try option("txt-record", [.plain(text.name), .quoted(text.value)]) }
        for service in dns.services {
            let owner = "_\(service.service)._\(service.transport.rawValue)" + (service.domain.map { ".\($0)" } ?? "")
            var words: [Word] = [.plain(owner)]
            // A dot as target says that the service is not offered; dnsmasq says that by leaving it out.
            if let target = service.target, target != "." {
                words.append(.plain(target))
                words += [service.port ?? 1, service.priority ?? 0, service.weight ?? 0].map { .plain("\($0)") }
            }
            try option("srv-host", words)
        }
        for host in dns.hosts {
            for name in host.names { try option("host-record", [.plain(name), .plain(host.address.description)]) }
        }
    }

    fileprivate mutating func leases(
        _ definition: NetworkDefinition, dhcp: [NetworkAddress], advertised: [NetworkAddress]
    ) throws(LodgeError) {
        if !dhcp.isEmpty {
            // Without a ping before each offer, which would take three seconds: the leases are on disk, and clients
            // probe for themselves.
            for option in ["dhcp-authoritative", "dhcp-no-override", "no-ping"] { try self.option(option) }
            for option in ["quiet-dhcp", "quiet-dhcp6"] { try self.option(option) }
            try option("dhcp-lease-max", [.plain("\(Self.leaseLimit(dhcp))")])
        }
        for address in dhcp { try leases(address) }
        let withoutDHCP = advertised.filter { address in !dhcp.contains(address) }
        for address in withoutDHCP {
            try option("dhcp-range", [.plain(address.prefix.address.description), .plain("ra-only")])
        }
        if !advertised.isEmpty {
            try option("enable-ra")
            try option("quiet-ra")
        }
        if definition.forward == nil {
            // No way out, so no default route: an empty router option, a router lifetime of zero.
            if dhcp.contains(where: { $0.prefix.family == .ipv4 }) { try option("dhcp-option", [.plain("3")]) }
            if !advertised.isEmpty { try option("ra-param", [.plain("*"), .plain("0"), .plain("0")]) }
        }
        if let mtu = definition.mtu, dhcp.contains(where: { $0.prefix.family == .ipv4 }) {
            try option("dhcp-option", [.plain("option:mtu"), .plain("\(mtu)")])
        }
    }

    private mutating func leases(_ address: NetworkAddress) throws(LodgeError) {
        guard let dhcp = address.dhcp else { return }
        let isIPv4 = address.prefix.family == .ipv4
        let size = isIPv4 ? address.prefix.netmask.description : "\(address.prefix.length)"
        for range in dhcp.ranges {
            let ends = [range.addresses.lowerBound, range.addresses.upperBound].map { Word.plain($0.description) }
            try option("dhcp-range", ends + [.plain(size)] + (range.lease.map { [.plain($0.dnsmasqTime)] } ?? []))
        }
        if dhcp.ranges.isEmpty {
            let start = isIPv4 ? address.prefix.network.address : address.prefix.address
            try option("dhcp-range", [.plain(start.description), .plain("static"), .plain(size)])
        }
        for host in dhcp.hosts {
            var words: [Word] = []
            if let mac = host.mac { words.append(.plain(mac.description)) }
            if let id = host.id { words.append(.plain("id:\(id)")) }
            words.append(.plain(isIPv4 ? host.address.description : "[\(host.address)]"))
            if let name = host.name { words.append(.plain(name)) }
            if let lease = host.lease { words.append(.plain(lease.dnsmasqTime)) }
            try option("dhcp-host", words)
        }
        if let bootp = dhcp.bootp {
            let server: [Word] = bootp.server.map { [.plain(""), .plain($0)] } ?? []
            try option("dhcp-boot", [.quoted(bootp.file)] + server)
        }
    }

    /// As many leases as there are addresses; dnsmasq stops at 1000 unless told.
    private static func leaseLimit(_ dhcp: [NetworkAddress]) -> UInt128 {
        let ranges = dhcp.flatMap { $0.dhcp?.ranges ?? [] }
        let hosts = dhcp.reduce(0) { $0 + ($1.dhcp?.hosts.count ?? 0) }
        let limit: UInt128 = 1 << 20
        let sum = ranges.reduce(UInt128(hosts)) { sum, range in
            sum + min(limit, range.addresses.upperBound.value - range.addresses.lowerBound.value) + 1
        }
        return min(limit, max(1, sum))
    }
}

extension NetworkDHCP.Lease {
    fileprivate var dnsmasqTime: String { seconds.map { "\($0)" } ?? "infinite" }
}

extension IPPrefix {
    /// The zone of reverse look-ups, for prefixes of whole labels.
    fileprivate var reverseZone: String {
        let bytes = network.address.bytes
        switch family {
        case .ipv4:
            return bytes.prefix(length / 8).reversed().map { "\($0)." }.joined() + "in-addr.arpa"
        case .ipv6:
            let digits = bytes.flatMap { [$0 >> 4, $0 & 15] }.prefix(length / 4)
            return digits.reversed().map { String($0, radix: 16) + "." }.joined() + "ip6.arpa"
        }
    }
}
