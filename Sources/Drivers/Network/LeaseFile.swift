import LodgeCore

/// Reads dnsmasq's lease file. Its host names and identifiers are the guests' own words.
enum LeaseFile {
    /// Beyond this size the file is not read: room for a hundred thousand leases.
    static let limit = 16 << 20

    /// One line a lease: expiry, MAC address or IAID, address, name, identifier; behind the line `duid …` those of
    /// DHCPv6. A line that is none is passed over.
    static func leases(in bytes: [UInt8], prefixes: [IPPrefix], now: Int64, mac wanted: MACAddress?) -> [DHCPLease] {
        var leases: [DHCPLease] = []
        for line in bytes.split(separator: 10) where line.count <= 1024 {
            let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard words.count >= 5, let expiry = Int64(words[0]), expiry >= 0, expiry == 0 || expiry > now,
                let address = IPAddress(words[2])
            else { continue }
            let mac = address.family == .ipv4 ? hardwareAddress(words[1]) : hardwareAddress(ofDUID: words[4])
            if let wanted, mac != wanted { continue }
            let length = prefixes.first { $0.contains(address) }?.length ?? address.family.width
            leases.append(
                DHCPLease(
                    expiry: expiry, mac: mac?.description ?? "", protocol: address.family.rawValue,
                    address: "\(address)/\(length)", hostname: text(words[3]), clientID: text(words[4])))
        }
        return leases
    }

    /// `*` stands for nothing. Control characters cannot reach a terminal.
    private static func text(_ word: String) -> String? {
        guard word != "*" else { return nil }
        return String(
            String.UnicodeScalarView(
                word.unicodeScalars.prefix(255).map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    /// Other hardware than Ethernet has its type in front: `20-…`.
    private static func hardwareAddress(_ word: String) -> MACAddress? {
        word.utf8.contains(UInt8(ascii: "-")) ? nil : MACAddress(word)
    }

    /// Types 1 (with time) and 3 (without) end with the link-layer address (RFC 8415, 11.2 and 11.4).
    private static func hardwareAddress(ofDUID text: String) -> MACAddress? {
        let bytes = text.split(separator: ":", omittingEmptySubsequences: false).map { UInt8($0, radix: 16) }
        guard bytes.count >= 10, bytes.count <= 20, !bytes.contains(nil) else { return nil }
        let known = bytes.compactMap { $0 }
        guard known[0] == 0, known[2] == 0, known[3] == 1 else { return nil }
        let start = known[1] == 1 ? 8 : known[1] == 3 ? 4 : nil
        guard let start, known.count == start + 6 else { return nil }
        return MACAddress(bytes: known[start...])
    }
}
