/// The device through which a guest gives memory back: `<memballoon>`.
public struct MemoryBalloonDefinition: Sendable, Hashable {
    public enum Model: String, XMLValue, CaseIterable, Sendable {
        case virtio, none

        public static var refused: [String: String] {
            let hint = "model='virtio' would work"
            return ["virtio-transitional": hint, "virtio-non-transitional": hint, "xen": hint]
        }
    }

    public var model: Model
    /// Whether the balloon deflates rather than let the guest run out of memory.
    public var autodeflate: Bool?
    public var freePageReporting: Bool?
    /// Seconds between two reports of the guest's memory use; `nil` or 0 is never.
    public var statisticsPeriod: UInt32?
    public var alias: String?
    public var address: PCIAddress?

    public init(_ model: Model) { self.model = model }

    public init(_ reader: ElementReader) throws(LodgeError) {
        model = try reader.required("model")
        autodeflate = reader.onOff("autodeflate")
        freePageReporting = reader.onOff("freePageReporting")
        statisticsPeriod = reader.child("stats")?.attribute("period", in: 1...UInt32(Int32.max))
        alias = reader.alias()
        address = reader.pciAddress()
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("memballoon") { writer in
            writer.attribute("model", model)
            writer.attribute("autodeflate", onOff: autodeflate)
            writer.attribute("freePageReporting", onOff: freePageReporting)
            writer.element("stats", "period", statisticsPeriod)
            writer.alias(alias)
            writer.address(address)
        }
    }
}
