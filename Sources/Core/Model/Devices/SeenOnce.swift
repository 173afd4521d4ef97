/// What may be in a definition once only, with the place of its second appearance when it is not.
struct SeenOnce {
    private var pci: Set<PCIAddress> = []
    private var targets: Set<String> = []
    private var drives: Set<String> = []
    private var controllers: Set<String> = []
    private var links: Set<String> = []
    private var macs: Set<MACAddress> = []
    private var aliases: Set<String> = []
    private var bootOrders: Set<UInt16> = []

    mutating func common(
        alias: String?, bootOrder: UInt16? = nil, pci address: PCIAddress? = nil, _ reader: ElementReader
    ) {
        if var address {
            address.multifunction = nil
            if !pci.insert(address).inserted {
                reader.record(
                    "the PCI address \(address) is taken by another device", hint: "remove one of the addresses")
            }
        }
        if let alias, !aliases.insert(alias).inserted {
            reader.record("the alias '\(alias)' is taken by another device", hint: "remove one of the aliases")
        }
        if let bootOrder, !bootOrders.insert(bootOrder).inserted {
            reader.record("the boot order \(bootOrder) is taken by another device", hint: "give each its own")
        }
    }

    mutating func target(_ disk: DiskDefinition, _ reader: ElementReader) {
        if !targets.insert(disk.target).inserted {
            reader.record("the target '\(disk.target)' is taken by another disk", hint: "give each its own")
        }
    }

    mutating func place(_ address: DeviceAddress?, on bus: String, _ reader: ElementReader) {
        guard let drive = address?.drive else { return }
        let place = "\(bus) \(drive.controller):\(drive.bus):\(drive.target):\(drive.unit)"
        if !drives.insert(place).inserted {
            reader.record("the drive address is taken by another disk", hint: "remove one of the addresses")
        }
    }

    mutating func controller(_ controller: ControllerDefinition, _ reader: ElementReader) {
        guard let index = controller.index else { return }
        // The companions of an ICH9 EHCI controller share its index.
        if let usb = controller.usb, usb.masterStartPort != nil { return }
        if !controllers.insert("\(controller.typeName) \(index)").inserted {
            reader.record(
                "a second '\(controller.typeName)' controller with index \(index)", hint: "give each its own")
        }
    }

    mutating func link(_ interface: InterfaceDefinition, _ reader: ElementReader) {
        if let name = interface.targetDevice, !links.insert(name).inserted {
            reader.record("the link name '\(name)' is taken by another interface", hint: "give each its own")
        }
        if let mac = interface.mac, !macs.insert(mac).inserted {
            reader.record("the MAC address \(mac) is taken by another interface", hint: "give each its own")
        }
    }
}
