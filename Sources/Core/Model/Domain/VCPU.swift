/// Virtual processors: `<vcpu>`.
public struct VCPUDefinition: Sendable, Hashable {
    public enum Placement: String, XMLValue, CaseIterable, Sendable {
        case `static`

        public static var refused: [String: String] { ["auto": "placement='static' would work"] }
    }

    /// The most that the guest can have, 1 to 4096.
    public var maximum: UInt16
    /// How many it starts with; `nil`: all.
    public var current: UInt16?
    public var placement: Placement?

    public init(_ maximum: UInt16 = 1) { self.maximum = maximum }

    init(_ reader: ElementReader) throws(LodgeError) {
        let count: UInt16 = try reader.requiredText()
        guard (1...4096).contains(count) else {
            throw reader.error("<vcpu> is not a number from 1 to 4096: '\(count)'")
        }
        maximum = count
        current = reader.attribute("current", in: 1...4096)
        if let current, current > maximum {
            reader.record(
                "more virtual processors at the start (\(current)) than at most (\(maximum))", attribute: "current")
        }
        placement = reader.attribute("placement")
    }

    func write(to writer: inout XMLWriter) {
        writer.element("vcpu") {
            $0.attribute("placement", placement)
            $0.attribute("current", current)
            $0.text(String(maximum))
        }
    }
}
