/// A bus and the device that carries it: `<controller>`.
public struct ControllerDefinition: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        case pci(PCI)
        case usb(USB)
        case scsi(SCSI)
        case virtioSerial(VirtioSerial)
        case sata
        case ide(IDEModel?)
    }

    public struct PCI: Sendable, Hashable {
        public enum Model: String, XMLValue, CaseIterable, Sendable {
            case pciRoot = "pci-root"
            case pcieRoot = "pcie-root"
            case pciBridge = "pci-bridge"
            case dmiToPCIBridge = "dmi-to-pci-bridge"
            case pcieToPCIBridge = "pcie-to-pci-bridge"
            case pcieRootPort = "pcie-root-port"

            public static var refused: [String: String] {
                let hint = "model='pcie-root-port' would work"
                return [
                    "pcie-switch-upstream-port": hint, "pcie-switch-downstream-port": hint,
                    "pci-expander-bus": hint, "pcie-expander-bus": hint,
                ]
            }
        }

        /// The QEMU device behind a model: `<model name='…'/>`.
        public enum DeviceName: String, XMLValue, CaseIterable, Sendable {
            case pciBridge = "pci-bridge"
            case i82801b11Bridge = "i82801b11-bridge"
            case pciePCIBridge = "pcie-pci-bridge"
            case ioh3420
            case pcieRootPort = "pcie-root-port"
        }

        public var model: Model
        public var deviceName: DeviceName?
        /// Of a pci-bridge.
        public var chassisNumber: UInt8?
        /// Of a root port.
        public var chassis: UInt8?
        public var port: UInt8?
        /// Whether devices can be added to and removed from a root port while the guest runs.
        public var hotplug: Bool?

        public init(_ model: Model) { self.model = model }
    }

    public struct USB: Sendable, Hashable {
        public enum Model: String, XMLValue, CaseIterable, Sendable {
            case qemuXHCI = "qemu-xhci"
            case necXHCI = "nec-xhci"
            case piix3UHCI = "piix3-uhci"
            case piix4UHCI = "piix4-uhci"
            case ich9EHCI1 = "ich9-ehci1"
            case ich9UHCI1 = "ich9-uhci1"
            case ich9UHCI2 = "ich9-uhci2"
            case ich9UHCI3 = "ich9-uhci3"
            case ehci
            case pciOHCI = "pci-ohci"
            case none

            public static var refused: [String: String] {
                let hint = "model='qemu-xhci' would work"
                return ["vt82c686b-uhci": hint, "qusb1": hint, "qusb2": hint]
            }
        }

        /// `nil`: the machine's usual one.
        public var model: Model?
        public var ports: UInt8?
        /// A companion's first port on its EHCI controller: `<master startport='…'/>`.
        public var masterStartPort: UInt8?

        public init(_ model: Model?) { self.model = model }
    }

    public struct SCSI: Sendable, Hashable {
        public enum Model: String, XMLValue, CaseIterable, Sendable {
            case virtioSCSI = "virtio-scsi"
            case lsilogic, lsisas1068, lsisas1078

            public static var refused: [String: String] {
                let hint = "model='virtio-scsi' would work"
                return [
                    "auto": hint, "buslogic": hint, "vmpvscsi": hint, "ibmvscsi": hint, "virtio-transitional": hint,
                    "virtio-non-transitional": hint, "ncr53c90": hint, "dc390": hint, "am53c974": hint,
                ]
            }
        }

        /// `nil`: the machine's usual one.
        public var model: Model?
        public var queues: UInt16?
        /// Number of the `<iothreads>` thread that serves the controller, from 1.
        public var ioThread: UInt32?

        public init(_ model: Model?) { self.model = model }
    }

    public struct VirtioSerial: Sendable, Hashable {
        public var ports: UInt8?
        public var vectors: UInt32?

        public init() {}
    }

    public enum IDEModel: String, XMLValue, CaseIterable, Sendable {
        case piix3, piix4, ich6
    }

    public var kind: Kind
    /// The bus number that addresses of its devices name; `nil` when none is assigned yet.
    public var index: UInt32?
    public var alias: String?
    public var address: PCIAddress?

    public init(_ kind: Kind, index: UInt32?) {
        self.kind = kind
        self.index = index
    }

    /// What separates controllers that may have the same index.
    public var typeName: String { type.rawValue }

    /// The I/O thread that serves the controller.
    public var ioThread: UInt32? { if case .scsi(let scsi) = kind { scsi.ioThread } else { nil } }
    public var pci: PCI? { if case .pci(let pci) = kind { pci } else { nil } }
    public var usb: USB? { if case .usb(let usb) = kind { usb } else { nil } }
}

// MARK: - XML

extension ControllerDefinition {
    private enum TypeName: String, XMLValue, CaseIterable {
        case pci, usb, scsi, sata, ide
        case virtioSerial = "virtio-serial"

        static var refused: [String: String] {
            let hint = "remove it, and the devices that hang on it"
            return ["fdc": hint, "ccid": hint, "xenbus": hint, "isa": hint]
        }
    }

    private var type: TypeName {
        switch kind {
        case .pci: .pci
        case .usb: .usb
        case .scsi: .scsi
        case .virtioSerial: .virtioSerial
        case .sata: .sata
        case .ide: .ide
        }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        switch try reader.required("type", as: TypeName.self) {
        case .pci: kind = .pci(try PCI(reader))
        case .usb: kind = .usb(USB(reader))
        case .scsi: kind = .scsi(SCSI(reader))
        case .sata: kind = .sata
        case .ide: kind = .ide(reader.attribute("model"))
        case .virtioSerial:
            if let model = reader.attribute("model"), model != "virtio" {
                reader.record(
                    "'\(excerpt(model))' as @model of <controller> is not supported", code: .unsupported,
                    hint: "remove the model", attribute: "model")
            }
            var serial = VirtioSerial()
            serial.ports = reader.attribute("ports", in: 1...31)
            serial.vectors = reader.attribute("vectors")
            kind = .virtioSerial(serial)
        }
        index = reader.attribute("index", in: 0...255)
        alias = reader.alias()
        address = reader.pciAddress()
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("controller") { writer in
            writer.attribute("type", type)
            writer.attribute("index", index)
            switch kind {
            case .pci(let pci): pci.write(to: &writer)
            case .usb(let usb):
                writer.attribute("model", usb.model)
                writer.attribute("ports", usb.ports)
                writer.element("master", "startport", usb.masterStartPort)
            case .scsi(let scsi):
                writer.attribute("model", scsi.model)
                if scsi.queues != nil || scsi.ioThread != nil {
                    writer.element("driver") {
                        $0.attribute("queues", scsi.queues)
                        $0.attribute("iothread", scsi.ioThread)
                    }
                }
            case .virtioSerial(let serial):
                writer.attribute("ports", serial.ports)
                writer.attribute("vectors", serial.vectors)
            case .ide(let model): writer.attribute("model", model)
            case .sata: break
            }
            writer.alias(alias)
            writer.address(address)
        }
    }
}

extension ControllerDefinition.PCI {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        model = try reader.required("model")
        deviceName = reader.childAttribute("model", "name")
        if let target = reader.child("target") {
            chassisNumber = target.attribute("chassisNr")
            chassis = target.attribute("chassis")
            if let text = target.attribute("port") {
                port = UInt8(hexOrDecimal: text)
                if port == nil {
                    target.record(
                        "'\(excerpt(text))' as @port of <target> is not a number from 0x0 to 0xff", attribute: "port")
                }
            }
            hotplug = target.onOff("hotplug")
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.attribute("model", model)
        writer.element("model", "name", deviceName)
        if chassisNumber != nil || chassis != nil || port != nil || hotplug != nil {
            writer.element("target") {
                $0.attribute("chassisNr", chassisNumber)
                $0.attribute("chassis", chassis)
                $0.attribute("port", port.map { "0x" + hexadecimal($0, digits: 1) })
                $0.attribute("hotplug", onOff: hotplug)
            }
        }
    }
}

extension ControllerDefinition.USB {
    fileprivate init(_ reader: ElementReader) {
        model = reader.attribute("model")
        ports = reader.attribute("ports", in: 1...15)
        masterStartPort = reader.childAttribute("master", "startport")
    }
}

extension ControllerDefinition.SCSI {
    fileprivate init(_ reader: ElementReader) {
        model = reader.attribute("model")
        if let driver = reader.child("driver") {
            queues = driver.attribute("queues", in: 1...UInt16(1024))
            ioThread = driver.attribute("iothread", in: 1...UInt32.max)
        }
    }
}
