/// A pointer or keyboard: `<input>`.
public struct InputDefinition: Sendable, Hashable {
    public enum Kind: String, XMLValue, CaseIterable, Sendable {
        case tablet, mouse, keyboard

        public static var refused: [String: String] {
            let hint = "type='tablet', 'mouse' or 'keyboard' would work"
            return ["passthrough": hint, "evdev": hint]
        }
    }

    public enum Bus: String, XMLValue, CaseIterable, Sendable {
        case ps2, usb, virtio

        public static var refused: [String: String] { ["xen": "bus='ps2', 'usb' or 'virtio' would work"] }
    }

    public var kind: Kind
    public var bus: Bus
    public var alias: String?
    /// USB or PCI, by the bus; none for PS/2.
    public var address: DeviceAddress?

    public init(_ kind: Kind, bus: Bus) {
        self.kind = kind
        self.bus = bus
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        kind = try reader.required("type")
        bus = reader.attribute("bus") ?? (kind == .tablet ? .usb : .ps2)
        if kind == .tablet, bus == .ps2 {
            reader.record("a tablet cannot be on bus='ps2'", hint: "bus='usb' or 'virtio' would work", attribute: "bus")
        }
        alias = reader.alias()
        switch bus {
        case .usb: address = reader.address(.usb)
        case .virtio: address = reader.address(.pci)
        case .ps2: break
        }
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("input") { writer in
            writer.attribute("type", kind)
            writer.attribute("bus", bus)
            writer.alias(alias)
            writer.address(address)
        }
    }
}
