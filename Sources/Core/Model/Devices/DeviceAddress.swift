/// Where a drive hangs: on a controller of its bus's kind.
public struct DriveAddress: Sendable, Hashable {
    /// Index of the controller.
    public var controller: UInt32
    /// Channel; 0 but for IDE, which has two.
    public var bus: UInt32
    /// SCSI target; 0 elsewhere.
    public var target: UInt32
    /// Port, or SCSI logical unit.
    public var unit: UInt32

    public init(controller: UInt32 = 0, bus: UInt32 = 0, target: UInt32 = 0, unit: UInt32 = 0) {
        self.controller = controller
        self.bus = bus
        self.target = target
        self.unit = unit
    }

    init(_ reader: ElementReader) {
        controller = reader.attribute("controller") ?? 0
        bus = reader.attribute("bus") ?? 0
        target = reader.attribute("target") ?? 0
        unit = reader.attribute("unit") ?? 0
    }
}

/// A port of a virtio-serial controller.
public struct VirtioSerialAddress: Sendable, Hashable {
    public var controller: UInt32
    public var bus: UInt32
    public var port: UInt32

    public init(controller: UInt32 = 0, bus: UInt32 = 0, port: UInt32) {
        self.controller = controller
        self.bus = bus
        self.port = port
    }

    init(_ reader: ElementReader) throws(LodgeError) {
        controller = reader.attribute("controller") ?? 0
        bus = reader.attribute("bus") ?? 0
        port = try reader.required("port")
    }
}

/// A port of a USB bus; `port` names hubs on the way with dots: `1.2`.
public struct USBAddress: Sendable, Hashable {
    /// Index of the USB controller.
    public var bus: UInt32
    public var port: String

    public init(bus: UInt32 = 0, port: String) {
        self.bus = bus
        self.port = port
    }

    init(_ reader: ElementReader) throws(LodgeError) {
        bus = reader.attribute("bus") ?? 0
        port = try reader.required("port")
        let parts = port.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 4, parts.allSatisfy({ UInt8(xmlText: String($0) ?? "") != nil }) else {
            throw reader.error(
                "'\(excerpt(port))' as @port of <address> is not a USB port like 1 or 1.2", attribute: "port")
        }
    }
}

/// The place of a device that can sit on buses of several kinds.
public enum DeviceAddress: Sendable, Hashable {
    case pci(PCIAddress)
    case drive(DriveAddress)
    case usb(USBAddress)
    case virtioSerial(VirtioSerialAddress)

    /// The kinds, by libvirt's name in `<address type='…'>`.
    enum Kind: String, XMLValue, CaseIterable {
        case pci, drive, usb
        case virtioSerial = "virtio-serial"

        static var refused: [String: String] {
            let remove = "remove the <address>: a place is then chosen"
            return [
                "ccid": remove, "spapr-vio": remove, "ccw": remove, "virtio-mmio": remove, "dimm": remove,
                "isa": "remove the <address>: ISA devices get their usual place",
                "unassigned": "remove the device, or its <address>: a place is then chosen",
            ]
        }
    }

    public var pci: PCIAddress? { if case .pci(let address) = self { address } else { nil } }
    public var drive: DriveAddress? { if case .drive(let address) = self { address } else { nil } }
    public var usb: USBAddress? { if case .usb(let address) = self { address } else { nil } }

    func write(to writer: inout XMLWriter) {
        writer.element("address") { writer in
            switch self {
            case .pci(let address):
                writer.attribute("type", Kind.pci)
                address.writeAttributes(to: &writer)
            case .drive(let address):
                writer.attribute("type", Kind.drive)
                writer.attribute("controller", address.controller)
                writer.attribute("bus", address.bus)
                writer.attribute("target", address.target)
                writer.attribute("unit", address.unit)
            case .usb(let address):
                writer.attribute("type", Kind.usb)
                writer.attribute("bus", address.bus)
                writer.attribute("port", address.port)
            case .virtioSerial(let address):
                writer.attribute("type", Kind.virtioSerial)
                writer.attribute("controller", address.controller)
                writer.attribute("bus", address.bus)
                writer.attribute("port", address.port)
            }
        }
    }
}

extension ElementReader {
    /// Reads `<address>`; `nil` when there is none or it names only a kind, which leaves the choice to us.
    func address(_ allowed: DeviceAddress.Kind...) -> DeviceAddress? {
        child("address") { reader throws(LodgeError) in
            let kind: DeviceAddress.Kind = try reader.required("type")
            guard allowed.contains(kind) else {
                throw reader.error(
                    "<\(name)> cannot have an address of type '\(kind.rawValue)'", hint: "remove the <address>",
                    attribute: "type")
            }
            switch kind {
            case .pci:
                let saysPlace = reader.hasAttribute("slot") || reader.hasAttribute("bus")
                let address = try PCIAddress(reader)
                return saysPlace ? .pci(address) : nil
            case .drive: return .drive(DriveAddress(reader))
            case .usb: return .usb(try USBAddress(reader))
            case .virtioSerial: return .virtioSerial(try VirtioSerialAddress(reader))
            }
        }
    }

    /// Reads the `<address>` of a device that is always on PCI.
    func pciAddress() -> PCIAddress? { address(.pci)?.pci }

    /// Reads `<alias name='…'/>`, which becomes QEMU's id of the device.
    func alias() -> String? {
        child("alias") { reader throws(LodgeError) in
            let name = try reader.required("name")
            guard PlainName.isPlain(name), (1...120).contains(name.utf8.count) else {
                throw reader.error(
                    "'\(excerpt(name))' is not an alias", hint: "use letters, digits, '-', '_' and '.'",
                    attribute: "name")
            }
            return name
        }
    }

    /// Reads `<boot order='…'/>`.
    func bootOrder() -> UInt16? {
        child("boot") { reader throws(LodgeError) in reader.attribute("order", in: 1...UInt16.max) }
    }

    /// Takes the attribute of an only child.
    func childAttribute<Value: XMLValue>(_ name: String, _ attribute: String, as type: Value.Type = Value.self)
        -> Value?
    {
        child(name)?.attribute(attribute)
    }
}

extension XMLWriter {
    mutating func address(_ address: DeviceAddress?) { address?.write(to: &self) }
    mutating func address(_ address: PCIAddress?) { address.map(DeviceAddress.pci)?.write(to: &self) }
    mutating func alias(_ name: String?) { element("alias", "name", name) }
    mutating func bootOrder(_ order: UInt16?) { element("boot", "order", order) }
}
