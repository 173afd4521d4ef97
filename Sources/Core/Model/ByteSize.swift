/// A number of bytes, written with any of libvirt's units.
public struct ByteSize: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var bytes: UInt64

    public init(bytes: UInt64) { self.bytes = bytes }
    public static func kibibytes(_ count: UInt32) -> ByteSize { ByteSize(bytes: UInt64(count) << 10) }
    public static func mebibytes(_ count: UInt32) -> ByteSize { ByteSize(bytes: UInt64(count) << 20) }

    /// A count of a unit; `nil` when the unit is unknown or the product exceeds 64 bits.
    ///
    /// Units as libvirt has them: `b`, `bytes`; `KB`, `MB`, `GB`, `TB`, `PB`, `EB` in powers of 1000; `k`, `KiB` and so
    /// on in powers of 1024. Upper and lower case are the same.
    public init?(_ count: UInt64, unit: String) {
        guard let scale = Self.scale(of: unit) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        self.bytes = bytes
    }

    /// A number with a unit behind it (`64MiB`, `2 GiB`); without one the number counts `defaultUnit`.
    public init?(_ text: String, defaultUnit: String = "bytes") {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = UInt64(digits) else { return nil }
        let unit = text[digits.endIndex...].drop { $0 == " " }
        self.init(count, unit: unit.isEmpty ? defaultUnit : String(unit))
    }

    /// Bytes in one of a unit.
    static func scale(of unit: String) -> UInt64? {
        switch unit {
        case "KiB", "k": return 1 << 10
        case "MiB", "M": return 1 << 20
        case "GiB", "G": return 1 << 30
        case "b", "bytes", "byte": return 1
        default: break
        }
        let lower = unit.lowercased()
        if ["b", "byte", "bytes"].contains(lower) { return 1 }
        guard let letter = lower.first, let place = "kmgtpe".firstIndex(of: letter) else { return nil }
        let power = "kmgtpe".distance(from: "kmgtpe".startIndex, to: place) + 1
        switch lower.dropFirst() {
        case "", "ib": return 1 << (10 * UInt64(power))
        case "b": return (0..<power).reduce(1) { scale, _ in scale * 1000 }
        default: return nil
        }
    }

    /// Kibibytes, the next whole number upwards.
    public var kibibytesRoundedUp: UInt64 { bytes >> 10 + (bytes & 0x3FF == 0 ? 0 : 1) }

    /// In the largest binary unit that leaves no rest: `2 GiB`, `1536 MiB`, `3 bytes`.
    public var description: String {
        for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] as [(UInt64, String)]
        where bytes != 0 && bytes & ((1 << shift) - 1) == 0 {
            return "\(bytes >> shift) \(unit)"
        }
        return "\(bytes) bytes"
    }

    public static func < (one: ByteSize, other: ByteSize) -> Bool { one.bytes < other.bytes }
}

extension ByteSize {
    static let unitHint = "use one of b, KB, KiB, MB, MiB, GB, GiB, TB, TiB"

    /// Reads an element like `<memory unit='GiB'>2</memory>`; libvirt's default unit is KiB.
    public init(_ reader: ElementReader, defaultUnit: String = "KiB") throws(LodgeError) {
        let unit = reader.attribute("unit") ?? defaultUnit
        let count: UInt64 = try reader.requiredText()
        guard Self.scale(of: unit) != nil else {
            throw reader.error(
                "'\(excerpt(unit))' as @unit of <\(reader.name)> is not a unit of memory", hint: Self.unitHint,
                attribute: "unit")
        }
        guard let size = ByteSize(count, unit: unit) else {
            throw reader.error("<\(reader.name)> is larger than 64 bits can count")
        }
        self = size
    }

    /// Writes an element in KiB, as libvirt does.
    func write(_ name: String, to writer: inout XMLWriter) {
        writer.element(name) {
            $0.attribute("unit", "KiB")
            $0.text(String(kibibytesRoundedUp))
        }
    }
}
