/// Lower-case hexadecimal digits, with zeros in front up to a width.
func hexadecimal(_ value: some BinaryInteger, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

extension FixedWidthInteger {
    /// Hexadecimal digits only: no sign, no prefix, no blanks.
    init?(hexDigits: some Collection<UInt8>) {
        guard !hexDigits.isEmpty else { return nil }
        var value: Self = 0
        for byte in hexDigits {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 16)
            guard !overflow else { return nil }
            value = shifted | Self(digit)
        }
        self = value
    }

    /// `0x…`, or decimal digits: libvirt takes both in addresses.
    init?(hexOrDecimal text: String) {
        if text.hasPrefix("0x") || text.hasPrefix("0X") {
            self.init(hexDigits: Array(text.utf8.dropFirst(2)))
        } else {
            guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
                return nil
            }
            self.init(text, radix: 10)
        }
    }
}
