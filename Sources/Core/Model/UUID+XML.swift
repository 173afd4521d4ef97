public import FoundationEssentials

extension UUID: XMLValue {
    /// With or without dashes, in either case.
    public init?(xmlText: String) {
        var bytes: [UInt8] = []
        var digits = 0
        var byte: UInt8 = 0
        for character in xmlText.utf8 {
            if character == UInt8(ascii: "-"), digits.isMultiple(of: 2), digits > 0 { continue }
            guard digits < 32, let digit = UInt8(hexDigits: CollectionOfOne(character)) else { return nil }
            byte = byte << 4 | digit
            digits += 1
            if digits.isMultiple(of: 2) { bytes.append(byte) }
        }
        guard digits == 32 else { return nil }
        self.init(
            uuid: (
                bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], bytes[8], bytes[9],
                bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]
            ))
    }

    public var xmlText: String { lowercased }
    public static var expectation: String { "a UUID like 4dea22b3-1d52-d8f3-2516-782e98ab3fa0" }

    /// Lower case, as libvirt writes it, also in file names.
    public var lowercased: String { uuidString.lowercased() }
}
