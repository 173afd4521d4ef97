import LodgeCore

/// Controllers, with the ids that the devices behind them name: `pci.N`, `usb`, `scsiN`, `virtio-serialN`, `sataN`.
extension CommandLine {
    /// Each bus before what hangs on it: PCI bridges by their number, which is higher than that of the bus they are on,
    /// and a USB 2 controller before its companions.
    var controllersInOrder: [(offset: Int, element: ControllerDefinition)] {
        func rank(_ controller: ControllerDefinition) -> (Int, UInt32) {
            if controller.pci != nil { return (0, controller.index ?? 0) }
            return (controller.usb?.masterStartPort == nil ? 1 : 2, 0)
        }
        return devices.controllers.enumerated().sorted {
            let (one, other) = (rank($0.element), rank($1.element))
            return one == other ? $0.offset < $1.offset : one < other
        }
    }

    mutating func writeController(_ controller: ControllerDefinition, _ position: Int) throws(LodgeError) {
        let index = controller.index ?? 0
        switch controller.kind {
        case .pci(let pci): try writePCI(pci, controller, index)
        case .usb(let usb): try writeUSB(usb, controller, index, position)
        case .scsi(let scsi):
            list.add(
                "-device",
                try place(controller.address, "the SCSI controller \(index)").with([
                    "driver": .string(Self.scsiDriver(scsi.model ?? .virtioSCSI)), "id": .string("scsi\(index)"),
                    "num_queues": .count(scsi.queues),
                    "iothread": .text(scsi.ioThread.map { "iothread\($0)" }),
                ]))
        case .virtioSerial(let serial):
            list.add(
                "-device",
                try place(controller.address, "the virtio-serial controller \(index)").with([
                    "driver": "virtio-serial-pci", "id": .string("virtio-serial\(index)"),
                    "max_ports": .count(serial.ports), "vectors": .count(serial.vectors),
                ]))
        case .sata:
            // q35 has its first one built in.
            if index == 0, definition.os.machineFamily == .q35 { return }
            list.add(
                "-device",
                try place(controller.address, "the SATA controller \(index)").with([
                    "driver": "ahci", "id": .string("sata\(index)"),
                ]))
        case .ide: return
        }
    }

    private mutating func writePCI(
        _ pci: ControllerDefinition.PCI, _ controller: ControllerDefinition, _ index: UInt32
    ) throws(LodgeError) {
        let id = JSONValue.string("pci.\(index)")
        let what = "the PCI controller \(index)"
        switch pci.model {
        case .pciRoot, .pcieRoot: return
        case .pcieRootPort:
            list.add(
                "-device",
                try place(controller.address, what).with([
                    "driver": .string(pci.deviceName == .ioh3420 ? "ioh3420" : "pcie-root-port"), "id": id,
                    "port": .count(pci.port), "chassis": .count(pci.chassis ?? UInt8(clamping: index)),
                    "hotplug": .flag(pci.hotplug),
                ]))
        case .pciBridge:
            list.add(
                "-device",
                try place(controller.address, what).with([
                    "driver": "pci-bridge", "id": id,
                    "chassis_nr": .count(pci.chassisNumber ?? UInt8(clamping: index)),
                ]))
        case .dmiToPCIBridge:
            list.add("-device", try place(controller.address, what).with(["driver": "i82801b11-bridge", "id": id]))
        case .pcieToPCIBridge:
            list.add("-device", try place(controller.address, what).with(["driver": "pcie-pci-bridge", "id": id]))
        }
    }

    private mutating func writeUSB(
        _ usb: ControllerDefinition.USB, _ controller: ControllerDefinition, _ index: UInt32, _ position: Int
    ) throws(LodgeError) {
        guard let model = usb.model, model != .none else { return }
        let bus = Self.usbBus(index)
        var properties = try place(controller.address, "the USB controller \(index)")
        switch model {
        case .qemuXHCI, .necXHCI:
            properties["p2"] = .count(usb.ports)
            properties["p3"] = .count(usb.ports)
        case .ich9UHCI1, .ich9UHCI2, .ich9UHCI3:
            // A companion: it serves the low speeds of the EHCI controller of the same number.
            properties["masterbus"] = .string("\(bus).0")
            properties["firstport"] = .count(usb.masterStartPort)
        default: break
        }
        list.add(
            "-device",
            properties.with([
                "driver": .string(Self.usbDriver(model)),
                "id": .string(Self.usbID(usb, index, position)),
            ]))
    }

    /// A companion shares its controller's number, so its place in the definition tells it apart.
    static func usbID(_ usb: ControllerDefinition.USB, _ index: UInt32, _ position: Int) -> String {
        usb.masterStartPort == nil ? usbBus(index) : "\(usbBus(index))-companion\(position)"
    }

    static func usbBus(_ index: UInt32) -> String { index == 0 ? "usb" : "usb\(index)" }

    static func usbDriver(_ model: ControllerDefinition.USB.Model) -> String {
        switch model {
        case .qemuXHCI: "qemu-xhci"
        case .necXHCI: "nec-usb-xhci"
        case .piix3UHCI: "piix3-usb-uhci"
        case .piix4UHCI: "piix4-usb-uhci"
        case .ich9EHCI1: "ich9-usb-ehci1"
        case .ich9UHCI1: "ich9-usb-uhci1"
        case .ich9UHCI2: "ich9-usb-uhci2"
        case .ich9UHCI3: "ich9-usb-uhci3"
        case .ehci: "usb-ehci"
        case .pciOHCI: "pci-ohci"
        case .none: ""
        }
    }

    static func scsiDriver(_ model: ControllerDefinition.SCSI.Model) -> String {
        switch model {
        case .virtioSCSI: "virtio-scsi-pci"
        case .lsilogic: "lsi53c895a"
        case .lsisas1068: "mptsas1068"
        case .lsisas1078: "megasas"
        }
    }
}
