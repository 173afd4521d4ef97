extension NetworkDefinition {
    /// What would work instead of elements that are known to be refused.
    static let hints: RefusalHints = [
        "network@trustGuestRxFilters": "leave it out; filters of guests are not followed yet",
        "network/bandwidth": "leave it out; limits are planned",
        "network/vlan":
            "leave it out; VLANs are planned. A host bridge with VLAN filtering can be used with mode='bridge'",
        "network/portgroup": "leave it out; port groups are planned",
        "network/virtualport": "leave it out; Open vSwitch is planned. A Linux bridge works with mode='bridge'",
        "network/port": "leave it out; isolated ports are planned",
        "network/dnsmasq:options":
            "leave it out; what <dns> and <dhcp> can say is applied, options of dnsmasq itself are not",
        "bridge@zone": "leave it out; firewalld's zones are not used, the network has an nft table of its own",
        "forward@managed": "leave it out; it belongs to mode='hostdev', which is planned",
        "forward/pf": "leave it out; mode='hostdev' is planned",
        "forward/address": "leave it out; mode='hostdev' is planned",
        "forward/driver": "leave it out; mode='hostdev' is planned",
    ]

    /// What can only be judged with the whole definition in view.
    func check(_ reader: ElementReader) {
        if usesHostBridge { checkHostBridge(reader) }
        if mode == .open || mode == nil, forward?.device != nil {
            reader.record(
                "a device is given, but mode '\(mode?.rawValue ?? "isolated")' does not forward to one",
                hint: "use mode='nat' or mode='route', or leave the device out")
        }
        for family in IPAddress.Family.allCases {
            if addresses.count(where: { $0.prefix.family == family && $0.dhcp != nil }) > 1 {
                reader.record(
                    "more than one <dhcp> for \(family == .ipv4 ? "IPv4" : "IPv6")",
                    hint: "keep one; it can have several ranges")
            }
        }
        for (position, one) in addresses.enumerated() {
            for other in addresses[..<position] where other.prefix.overlaps(one.prefix) {
                reader.record(
                    "the addresses \(other.prefix) and \(one.prefix) are in overlapping networks",
                    hint: "give each <ip> a network of its own")
            }
        }
        for route in routes where !addresses.contains(where: { $0.prefix.contains(route.gateway) }) {
            reader.record(
                "the gateway \(route.gateway) of the route to \(route.destination) is in none of the network's subnets",
                hint: "use a gateway that is reached through one of the network's addresses")
        }
    }

    private func checkHostBridge(_ reader: ElementReader) {
        if bridge.name == nil {
            reader.record(
                "mode='bridge' needs <bridge name='…'/>",
                hint: "name an existing bridge of the host; macvtap on <interface dev='…'/> is planned")
        }
        let refused: [(String, Bool)] = [
            ("<ip>", !addresses.isEmpty), ("<route>", !routes.isEmpty), ("<dns>", dns != nil),
            ("<domain>", domain != nil), ("<mac>", mac != nil), ("<mtu>", mtu != nil),
            ("<bridge stp>", bridge.stp != nil), ("<bridge delay>", bridge.delay != nil),
        ]
        for (what, isThere) in refused where isThere {
            reader.record(
                "\(what) says something about a bridge that is the host's own", code: .unsupported,
                hint: "leave it out, or use another mode and the network makes its own bridge")
        }
    }
}

extension UInt8 {
    var isLetterOrDigit: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}

extension ElementReader {
    /// Takes an attribute that is a DNS name: labels of letters, digits, `-` and `_`, 253 bytes at most. A bad one is
    /// recorded.
    func dnsName(_ attribute: String) -> String? {
        guard let name = self.attribute(attribute) else { return nil }
        if let fault = Self.faultInDNSName(name) {
            record("the name '\(excerpt(name))' \(fault)", hint: "use a name like host.example", attribute: attribute)
            return nil
        }
        return name
    }

    func requiredDNSName(_ attribute: String) throws(LodgeError) -> String {
        let name = try required(attribute)
        if let fault = Self.faultInDNSName(name) {
            throw error(
                "the name '\(excerpt(name))' \(fault)", hint: "use a name like host.example", attribute: attribute)
        }
        return name
    }

    static func faultInDNSName(_ name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > 253 { return "is longer than 253 bytes" }
        for label in name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            if label.isEmpty { return "has an empty part between dots" }
            if label.count > 63 { return "has a part longer than 63 bytes" }
            if label.first == UInt8(ascii: "-") { return "has a part that begins with '-'" }
            let allowed = label.allSatisfy {
                $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
            if !allowed { return "holds a character other than letters, digits, '.', '-' and '_'" }
        }
        return nil
    }

    /// Takes a text that will stand in one line of another program's input: no control characters, and not too long.
    func line(_ attribute: String, limit: Int) -> String? {
        guard let text = self.attribute(attribute) else { return nil }
        if text.utf8.count > limit || text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        {
            record(
                "'\(excerpt(text))' as @\(attribute) of <\(name)> has control characters or more than \(limit) bytes",
                hint: "use one line of text", attribute: attribute)
            return nil
        }
        return text
    }
}
