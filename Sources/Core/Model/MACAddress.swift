/// An Ethernet address of 48 bits.
public struct MACAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The six bytes, the first one in the highest place; the upper 16 bits are zero.
    public let value: UInt64

    public init(_ b0: UInt8, _ b1: UInt8, _ b2: UInt8, _ b3: UInt8, _ b4: UInt8, _ b5: UInt8) {
        value = [b0, b1, b2, b3, b4, b5].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The lower 48 bits of a number.
    public init(truncating value: UInt64) { self.value = value & 0xFFFF_FFFF_FFFF }

    /// Six bytes, as the kernel gives them; `nil` for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Six groups of one or two hexadecimal digits between colons (or all between dashes).
    public init?(_ text: String) {
        let groups = text.utf8.split(
            omittingEmptySubsequences: false, whereSeparator: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") })
        guard groups.count == 6, !(text.contains(":") && text.contains("-")) else { return nil }
        var value: UInt64 = 0
        for group in groups {
            guard (1...2).contains(group.count), let byte = UInt8(hexDigits: group) else { return nil }
            value = value << 8 | UInt64(byte)
        }
        self.value = value
    }

    public var bytes: [UInt8] { stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) } }

    /// A group address, which no interface can have as its own.
    public var isMulticast: Bool { value >> 40 & 1 == 1 }

    /// An address in 52:54:00, the block that QEMU and libvirt take for guests.
    public static func random(using generator: inout some RandomNumberGenerator) -> MACAddress {
        MACAddress(truncating: 0x5254_0000_0000 | UInt64.random(in: 0...0xFF_FFFF, using: &generator))
    }

    public static func random() -> MACAddress {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// Lower case, two digits a group, colons.
    public var description: String { bytes.map { hexadecimal($0, digits: 2) }.joined(separator: ":") }

    public static func < (one: MACAddress, other: MACAddress) -> Bool { one.value < other.value }
}

extension MACAddress: XMLValue {
    public init?(xmlText: String) { self.init(xmlText) }
    public var xmlText: String { description }
    public static var expectation: String { "a MAC address like 52:54:00:12:34:56" }
}

extension MACAddress: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = MACAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a MAC address")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
