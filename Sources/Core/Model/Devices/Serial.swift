/// A serial port: `<serial>`.
public struct SerialDefinition: Sendable, Hashable {
    public enum Target: String, XMLValue, CaseIterable, Sendable {
        case isa = "isa-serial"
        case pci = "pci-serial"

        public static var refused: [String: String] {
            let hint = "type='isa-serial' would work"
            return [
                "usb-serial": hint, "spapr-vio-serial": hint, "system-serial": hint, "sclp-serial": hint,
                "isa-debug": hint, "serial": "remove the type, or use type='isa-serial'",
            ]
        }
    }

    public var backend: CharacterBackend
    /// `nil`: an ISA port.
    public var target: Target?
    /// Number of the port: 0 is the guest's ttyS0 or COM1. `nil` when none is assigned yet.
    public var port: UInt8?
    public var alias: String?
    /// Of a pci-serial.
    public var address: PCIAddress?

    public init(_ backend: CharacterBackend, port: UInt8? = nil) {
        self.backend = backend
        self.port = port
    }
}

extension SerialDefinition {
    /// The `<model>` in the target says the same as the target's type.
    private enum Model: String, XMLValue, CaseIterable {
        case isa = "isa-serial"
        case pci = "pci-serial"

        init(_ target: Target) { self = target == .pci ? .pci : .isa }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        backend = try CharacterBackend(reader)
        if let element = reader.child("target") {
            target = element.attribute("type")
            port = element.attribute("port")
            if let model = element.childAttribute("model", "name", as: Model.self), model != Model(target ?? .isa) {
                element.record(
                    "the serial model '\(model.rawValue)' does not go with the target's type",
                    hint: "use <target type='\(model.rawValue)'>")
            }
        }
        alias = reader.alias()
        address = reader.pciAddress()
        if target != .pci, address != nil {
            reader.record("an ISA serial port has no PCI address", hint: "remove it, or use <target type='pci-serial'>")
        }
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("serial") { writer in
            backend.writeType(to: &writer)
            backend.writeSource(to: &writer)
            if target != nil || port != nil {
                writer.element("target") { writer in
                    writer.attribute("type", target)
                    writer.attribute("port", port)
                    if let target { writer.element("model", "name", Model(target)) }
                }
            }
            writer.alias(alias)
            writer.address(address)
        }
    }
}
