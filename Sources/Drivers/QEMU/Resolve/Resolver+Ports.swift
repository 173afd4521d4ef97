import LodgeCore

extension Resolver {
    /// Numbers of serial ports, and ports of virtio-serial controllers.
    mutating func placeSerialPorts() {
        numberSerialPorts()
        var taken: Set<VirtioSerialAddress> = []
        var places = definition.devices.channels.compactMap(\.address)
        places += definition.devices.consoles.compactMap(\.address)
        for address in places {
            ensureController(.virtioSerial(.init()), index: address.controller)
            let ports = portCount(of: address.controller)
            if address.bus != 0 || address.port >= ports {
                refuse(
                    "a virtio-serial controller has bus 0 with ports below \(ports), "
                        + "not bus \(address.bus) port \(address.port)", .invalidXML, hint: "remove the <address>")
            }
            if !taken.insert(address).inserted {
                refuse(
                    "two devices at port \(address.port) of virtio-serial controller \(address.controller)",
                    .invalidXML, hint: "remove one <address>")
            }
        }
        for index in definition.devices.consoles.indices
        where definition.devices.consoles[index].target == .virtio
            && definition.devices.consoles[index].address == nil
        {
            definition.devices.consoles[index].address = freeSerialPort(from: 0, &taken)
        }
        // Port 0 is for a console: older guests expect one there.
        for index in definition.devices.channels.indices where definition.devices.channels[index].address == nil {
            definition.devices.channels[index].address = freeSerialPort(from: 1, &taken)
        }
    }

    private func portCount(of index: UInt32) -> UInt32 {
        guard case .virtioSerial(let serial)? = controller("virtio-serial", index)?.kind else { return 31 }
        return UInt32(serial.ports ?? 31)
    }

    private mutating func freeSerialPort(
        from first: UInt32, _ taken: inout Set<VirtioSerialAddress>
    ) -> VirtioSerialAddress {
        var index: UInt32 = 0
        while true {
            ensureController(.virtioSerial(.init()), index: index)
            for port in stride(from: first, to: portCount(of: index), by: 1) {
                let address = VirtioSerialAddress(controller: index, port: port)
                if taken.insert(address).inserted { return address }
            }
            index += 1
        }
    }

    private mutating func numberSerialPorts() {
        var taken = Set(definition.devices.serials.compactMap(\.port))
        if taken.count != definition.devices.serials.count(where: { $0.port != nil }) {
            refuse("two <serial> with the same port", .invalidXML, hint: "give each its own port")
        }
        for index in definition.devices.serials.indices {
            definition.devices.serials[index].target = definition.devices.serials[index].target ?? .isa
            if definition.devices.serials[index].port == nil {
                let free = (UInt8.min...UInt8.max).first { !taken.contains($0) } ?? UInt8.max
                taken.insert(free)
                definition.devices.serials[index].port = free
            }
            let serial = definition.devices.serials[index]
            if serial.target == .isa, let port = serial.port, port > 3 {
                refuse("a PC has four serial ports, there is no port \(port)", hint: "type='pci-serial' would work")
            }
        }
    }

    /// Ports of USB controllers for tablets, mice and keyboards.
    mutating func placeUSBDevices() {
        var taken: Set<USBAddress> = []
        for input in definition.devices.inputs where input.bus == .usb {
            guard let address = input.address?.usb else { continue }
            if usbPortCount(of: address.bus) == nil {
                refuse("there is no USB controller of index \(address.bus)", .invalidXML, hint: "remove the <address>")
            } else if address.port.contains(".") {
                refuse("USB hubs are not supported", hint: "use a port of the controller, or remove the <address>")
            }
            if !taken.insert(address).inserted {
                refuse(
                    "two devices at port \(address.port) of USB controller \(address.bus)", .invalidXML,
                    hint: "remove one <address>")
            }
        }
        for index in definition.devices.inputs.indices {
            let input = definition.devices.inputs[index]
            guard input.bus == .usb, input.address?.usb == nil else { continue }
            guard let address = freeUSBPort(taken) else {
                refuse(
                    "there is no free USB port for the \(input.kind.rawValue)",
                    hint: "<controller type='usb' index='0' model='qemu-xhci' ports='15'/> would work, or bus='virtio'")
                continue
            }
            taken.insert(address)
            definition.devices.inputs[index].address = .usb(address)
        }
    }

    private func freeUSBPort(_ taken: Set<USBAddress>) -> USBAddress? {
        let indices = Set(definition.devices.controllers.filter { $0.usb != nil }.compactMap(\.index)).sorted()
        for bus in indices {
            for port in stride(from: 1, through: usbPortCount(of: bus) ?? 0, by: 1) {
                let address = USBAddress(bus: bus, port: String(port))
                if !taken.contains(address) { return address }
            }
        }
        return nil
    }

    /// Ports of the controller that carries the bus; nil when there is none.
    private func usbPortCount(of index: UInt32) -> Int? {
        for controller in definition.devices.controllers where controller.index == index {
            guard let usb = controller.usb, usb.masterStartPort == nil else { continue }
            switch usb.model {
            case .qemuXHCI?, .necXHCI?: return usb.ports.map(Int.init) ?? 4
            case .piix3UHCI?, .piix4UHCI?, .ich9UHCI1?, .ich9UHCI2?, .ich9UHCI3?: return 2
            case .ich9EHCI1?, .ehci?: return 6
            case .pciOHCI?: return 3
            case .some(.none), nil: return nil
            }
        }
        return nil
    }
}
