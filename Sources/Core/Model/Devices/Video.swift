/// A graphics card: `<video>`.
public struct VideoDefinition: Sendable, Hashable {
    public enum Model: String, XMLValue, CaseIterable, Sendable {
        case vga, virtio, bochs, cirrus, ramfb, none

        public static var refused: [String: String] {
            let hint = "type='virtio', 'vga' or 'bochs' would work"
            return [
                "qxl": hint + "; QXL is SPICE's", "vmvga": hint, "xen": hint, "vbox": hint, "gop": hint,
                "parallels": hint,
            ]
        }
    }

    public struct Resolution: Sendable, Hashable {
        public var width: UInt32
        public var height: UInt32

        public init(width: UInt32, height: UInt32) {
            self.width = width
            self.height = height
        }
    }

    public var model: Model
    /// Video memory in KiB, for vga, bochs and cirrus.
    public var videoMemory: UInt32?
    /// Screens, for virtio.
    public var heads: UInt32?
    public var isPrimary: Bool?
    /// The size that the screen starts with.
    public var resolution: Resolution?
    public var alias: String?
    public var address: PCIAddress?

    public init(_ model: Model) { self.model = model }

    public init(_ reader: ElementReader) throws(LodgeError) {
        guard let model = reader.child("model") else {
            throw reader.error("<video> has no <model>", hint: "add <model type='virtio'/>")
        }
        self.model = try model.required("type")
        videoMemory = model.attribute("vram")
        heads = model.attribute("heads", in: 1...16)
        isPrimary = model.yesNo("primary")
        if let acceleration = model.child("acceleration") {
            for name in ["accel2d", "accel3d"] where acceleration.yesNo(name) == true {
                acceleration.record(
                    "\(name)='yes' is not supported", code: .unsupported, hint: "\(name)='no' would work",
                    attribute: name)
            }
        }
        resolution = model.child("resolution") { element throws(LodgeError) in
            Resolution(width: try element.required("x"), height: try element.required("y"))
        }
        alias = reader.alias()
        address = reader.pciAddress()
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("video") { writer in
            writer.element("model") { writer in
                writer.attribute("type", model)
                writer.attribute("vram", videoMemory)
                writer.attribute("heads", heads)
                writer.attribute("primary", yesNo: isPrimary)
                if let resolution {
                    writer.element("resolution") {
                        $0.attribute("x", resolution.width)
                        $0.attribute("y", resolution.height)
                    }
                }
            }
            writer.alias(alias)
            writer.address(address)
        }
    }
}
