import LodgeCore

/// One device that has a place on PCI, wherever in the definition it stands.
struct PCIDevice {
    /// Reads and writes its address in a definition.
    var path: WritableKeyPath<DevicesDefinition, PCIAddress?>
    /// For errors: `<interface> 0`.
    var name: String
    var need: PCITopology.Need
}

extension DevicesDefinition {
    /// Devices in the order in which libvirt gives them places, without PCI controllers and the primary video.
    func pciDevices(isQ35: Bool) -> [PCIDevice] {
        var devices: [PCIDevice] = []
        for (index, interface) in interfaces.enumerated() {
            devices.append(
                PCIDevice(
                    path: \.interfaces[index].address, name: "<interface> \(index)",
                    need: interface.model?.need ?? .conventional))
        }
        for (index, controller) in controllers.enumerated() {
            guard let need = controller.need(isQ35: isQ35) else { continue }
            devices.append(
                PCIDevice(
                    path: \.controllers[index].address,
                    name: "<controller type='\(controller.typeName)' index='\(controller.index ?? 0)'>", need: need))
        }
        for (index, disk) in disks.enumerated() where disk.bus == .virtio {
            devices.append(
                PCIDevice(path: \.disks[index].address.asPCI, name: "the disk '\(disk.target)'", need: .express))
        }
        if memoryBalloon?.model == .virtio {
            devices.append(PCIDevice(path: \.memoryBalloonAddress, name: "<memballoon>", need: .express))
        }
        for index in rngs.indices {
            devices.append(PCIDevice(path: \.rngs[index].address, name: "<rng> \(index)", need: .express))
        }
        for (index, video) in videos.enumerated() where index > 0 && video.model.isOnPCI {
            let need: PCITopology.Need = video.model == .virtio || video.model == .bochs ? .express : .conventional
            devices.append(PCIDevice(path: \.videos[index].address, name: "<video> \(index)", need: need))
        }
        for (index, input) in inputs.enumerated() where input.bus == .virtio {
            devices.append(
                PCIDevice(path: \.inputs[index].address.asPCI, name: "<input> \(index)", need: .express))
        }
        for (index, serial) in serials.enumerated() where serial.target == .pci {
            devices.append(PCIDevice(path: \.serials[index].address, name: "<serial> \(index)", need: .conventional))
        }
        return devices
    }

    fileprivate var memoryBalloonAddress: PCIAddress? {
        get { memoryBalloon?.address }
        set { memoryBalloon?.address = newValue }
    }
}

extension DeviceAddress? {
    fileprivate var asPCI: PCIAddress? {
        get { self?.pci }
        set { self = newValue.map(DeviceAddress.pci) }
    }
}

extension VideoDefinition.Model {
    var isOnPCI: Bool {
        switch self {
        case .vga, .virtio, .bochs, .cirrus: true
        case .ramfb, .none: false
        }
    }
}

extension InterfaceDefinition.Model {
    fileprivate var need: PCITopology.Need {
        switch self {
        case .virtio, .e1000e, .igb, .vmxnet3: .express
        case .e1000, .rtl8139, .pcnet, .ne2kPCI: .conventional
        }
    }
}

extension ControllerDefinition {
    /// Nil for PCI controllers, which come first, and for what has no place.
    fileprivate func need(isQ35: Bool) -> PCITopology.Need? {
        switch kind {
        case .pci: nil
        case .ide: .integrated
        case .sata: .integrated
        case .virtioSerial: .express
        case .scsi(let scsi): scsi.model == .virtioSCSI ? .express : .conventional
        case .usb(let usb):
            switch usb.model {
            case .qemuXHCI?, .necXHCI?: .express
            case .ich9EHCI1?, .ich9UHCI1?, .ich9UHCI2?, .ich9UHCI3?: .integrated
            case .piix3UHCI?, .piix4UHCI?: isQ35 ? .conventional : (index == 0 ? .integrated : .conventional)
            case .ehci?, .pciOHCI?: .conventional
            case .some(.none), nil: nil
            }
        }
    }
}
