/// A value that is written as text in an attribute or element.
public protocol XMLValue {
    /// `nil` when the text is not a value of this type.
    init?(xmlText: String)
    var xmlText: String { get }
    /// What a text must be, completing "… is not …": "a whole number".
    static var expectation: String { get }
    /// Values that libvirt knows and Lodge does not offer, each with what would work.
    static var refused: [String: String] { get }
}

extension XMLValue {
    public static var refused: [String: String] { [:] }
}

extension XMLValue where Self: RawRepresentable, RawValue == String {
    public init?(xmlText: String) { self.init(rawValue: xmlText) }
    public var xmlText: String { rawValue }
}

extension XMLValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    public static var expectation: String {
        let values = allCases.map { "'\($0.rawValue)'" }
        return values.count == 1 ? values.joined() : "one of " + values.joined(separator: ", ")
    }
}

extension XMLValue where Self: FixedWidthInteger {
    /// Decimal digits, with a leading minus where the type has one; no plus, no blanks.
    public init?(xmlText: String) {
        guard let first = xmlText.utf8.first, first != UInt8(ascii: "+") else { return nil }
        self.init(xmlText, radix: 10)
    }
    public var xmlText: String { String(self) }
    public static var expectation: String { "a whole number from \(Self.min) to \(Self.max)" }
}

extension Int: XMLValue {}
extension Int32: XMLValue {}
extension Int64: XMLValue {}
extension UInt8: XMLValue {}
extension UInt16: XMLValue {}
extension UInt32: XMLValue {}
extension UInt64: XMLValue {}

extension String: XMLValue {
    public init?(xmlText: String) { self = xmlText }
    public var xmlText: String { self }
    public static var expectation: String { "a text" }
}

/// libvirt writes some switches as yes and no …
enum YesNo: String, XMLValue, CaseIterable {
    case yes, no
}

/// … and others as on and off.
enum OnOff: String, XMLValue, CaseIterable {
    case on, off
}
