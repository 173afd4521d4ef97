import Glibc

/// An IPv4 or IPv6 address. Ordered by family, then by number.
public struct IPAddress: Hashable, Sendable, Comparable {
    public enum Family: String, Sendable, Hashable, Comparable, CaseIterable {
        case ipv4
        case ipv6

        /// How many bits an address has.
        public var width: Int { self == .ipv4 ? 32 : 128 }

        public static func < (one: Family, other: Family) -> Bool { one.width < other.width }
    }

    public let family: Family
    /// The address as a number in host order; below 2³² for IPv4.
    public let value: UInt128

    private init(_ family: Family, _ value: UInt128) {
        self.family = family
        self.value = value
    }

    /// Nil when the number does not fit the family.
    public init?(_ family: Family, value: UInt128) {
        if family == .ipv4 && value > 0xffff_ffff { return nil }
        self.init(family, value)
    }

    /// Reads dotted decimal or the IPv6 text form as inet_pton(3) does: no zones, no short IPv4 forms.
    public init?(_ text: String) {
        // inet_pton stops at a NUL, so a text with one would be read in part.
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        var bytes = [UInt8](repeating: 0, count: isIPv6 ? 16 : 4)
        let result = unsafe inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, &bytes)
        guard result == 1 else { return nil }
        self.init(bytes: bytes)
    }

    /// Network order; four bytes are IPv4, sixteen IPv6, anything else nil.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.init(bytes.count == 4 ? .ipv4 : .ipv6, bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }

    /// Network order.
    public var bytes: [UInt8] {
        stride(from: family.width - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt128($0)) }
    }

    /// 127.0.0.0/8 or ::1.
    public var isLoopback: Bool { family == .ipv4 ? value >> 24 == 127 : value == 1 }

    /// 224.0.0.0/4 or ff00::/8.
    public var isMulticast: Bool { family == .ipv4 ? value >> 28 == 14 : value >> 120 == 0xff }

    /// 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool { family == .ipv4 ? value >> 16 == 0xa9fe : value >> 118 == 0x3fa }

    /// 0.0.0.0 or ::.
    public var isUnspecified: Bool { value == 0 }

    public static func < (one: IPAddress, other: IPAddress) -> Bool {
        (one.family, one.value) < (other.family, other.value)
    }
}

extension IPAddress: CustomStringConvertible {
    public var description: String {
        let bytes = bytes
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let length = socklen_t(text.count)
        _ = unsafe inet_ntop(family == .ipv4 ? AF_INET : AF_INET6, bytes, &text, length)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// An address with the length of its network's prefix, as an interface has it: `192.168.122.1/24`.
public struct IPPrefix: Hashable, Sendable {
    public let address: IPAddress
    /// In bits, 0 to 32 or 128.
    public let length: Int

    /// Nil when the length does not fit the family.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.width).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// Reads `ADDRESS/LENGTH`.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), parts[1].allSatisfy(\.isASCIIDigit),
            let length = Int(parts[1])
        else { return nil }
        self.init(address, length: length)
    }

    /// Reads a netmask such as 255.255.255.0; nil when its ones are not all in front, or the families differ.
    public init?(_ address: IPAddress, netmask: IPAddress) {
        guard address.family == netmask.family else { return nil }
        let ones = netmask.value.nonzeroBitCount
        self.init(address, length: ones)
        guard self.mask == netmask.value else { return nil }
    }

    public var family: IPAddress.Family { address.family }

    /// The mask as a number of the family's width.
    private var mask: UInt128 {
        let all = family == .ipv4 ? UInt128(UInt32.max) : UInt128.max
        let host = family.width - length
        return host >= 128 ? 0 : (all >> UInt128(host)) << UInt128(host)
    }

    public var netmask: IPAddress { IPAddress(family, value: mask) ?? address }

    /// The same network with its first address: 192.168.122.0/24.
    public var network: IPPrefix {
        IPAddress(family, value: address.value & mask).flatMap { IPPrefix($0, length: length) } ?? self
    }

    /// The last address of the network; IPv4's broadcast address.
    public var last: IPAddress {
        let all = family == .ipv4 ? UInt128(UInt32.max) : UInt128.max
        return IPAddress(family, value: address.value | (all & ~mask)) ?? address
    }

    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && other.value & mask == address.value & mask
    }

    /// Whether the two networks share an address.
    public func overlaps(_ other: IPPrefix) -> Bool {
        length <= other.length ? contains(other.address) : other.contains(address)
    }
}

extension IPPrefix: CustomStringConvertible {
    public var description: String { "\(address)/\(length)" }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) }
}
