import LodgeCore

extension Resolver {
    /// Gives each device its place on PCI and adds the bridges and root ports for it.
    ///
    /// On a q35 each device sits behind a root port of its own, so that it can be unplugged; on an i440fx devices go
    /// from slot 3 of the root bus upwards, and behind bridges when it is full.
    mutating func placeOnPCI() {
        var topology = PCITopology()
        collectBuses(&topology)
        takeGivenPlaces(&topology)
        placeChipset(&topology)
        placePCIControllers(&topology)
        placeRest(&topology)
        settleMultifunction()
        describeRootPorts()
    }

    private func places(of devices: DevicesDefinition) -> [(PCIDevice, PCIAddress)] {
        var all = devices.pciDevices(isQ35: isQ35)
        for (index, controller) in devices.controllers.enumerated() where controller.pci != nil {
            all.append(
                PCIDevice(
                    path: \.controllers[index].address,
                    name: "<controller type='pci' index='\(controller.index ?? 0)'>", need: .integrated))
        }
        if let video = devices.videos.first, video.model.isOnPCI {
            all.append(PCIDevice(path: \.videos[0].address, name: "<video> 0", need: .integrated))
        }
        return all.compactMap { device in devices[keyPath: device.path].map { (device, $0) } }
    }

    /// The buses that there are, and those that addresses speak of: libvirt adds them too.
    private mutating func collectBuses(_ topology: inout PCITopology) {
        for controller in definition.devices.controllers {
            guard let pci = controller.pci else { continue }
            guard let index = UInt8(exactly: controller.index ?? 0) else { continue }
            topology.addBus(index, pci.model)
            if let address = controller.address, address.bus >= index {
                refuse(
                    "<controller type='pci' index='\(index)'> is on bus \(address.bus)", .invalidXML,
                    hint: "a bus must have a higher index than the one it hangs on")
            }
        }
        let highest = places(of: definition.devices).map(\.1.bus).max() ?? 0
        for index in stride(from: UInt8(1), through: highest, by: 1) where topology.buses[index] == nil {
            let model: PCITopology.Model = isQ35 ? .pcieRootPort : .pciBridge
            topology.addBus(index, model)
            addController(.pci(.init(model)), index: UInt32(index))
        }
    }

    private mutating func takeGivenPlaces(_ topology: inout PCITopology) {
        for (device, address) in places(of: definition.devices) {
            guard address.domain == 0, let bus = topology.buses[address.bus] else {
                refuse(
                    "\(device.name) is at \(address), where there is no bus", .invalidXML, hint: "remove the <address>")
                continue
            }
            let isChipset = reservedPlaces.contains { $0 == address }
            let isReserved = address.bus == 0 && (address.slot == (isQ35 ? 31 : 1)) && !isChipset
            if isReserved || !bus.slots.contains(address.slot) {
                refuse(
                    "\(device.name) is at \(address), which "
                        + (isReserved ? "is the chipset's" : "its bus has not"), .invalidXML,
                    hint: bus.model == .pcieRootPort ? "a root port has slot 0x00 only" : "remove the <address>")
                continue
            }
            if device.need == .conventional, bus.model == .pcieRootPort {
                refuse(
                    "\(device.name) is a plain PCI device and cannot be at \(address), a PCI Express port", .invalidXML,
                    hint: "remove the <address>")
            }
            if !topology.take(address) {
                refuse("two devices at the PCI address \(address)", .invalidXML, hint: "remove one <address>")
            }
        }
    }

    /// Places within the chipset's slots that devices of the definition stand for.
    private var reservedPlaces: [PCIAddress] {
        let all =
            isQ35
            ? [PCIAddress(bus: 0, slot: 31, function: 2)]
            : [PCIAddress(bus: 0, slot: 1, function: 1), PCIAddress(bus: 0, slot: 1, function: 2)]
        return all.compactMap { $0 }
    }

    private mutating func placeChipset(_ topology: inout PCITopology) {
        for index in definition.devices.controllers.indices {
            let controller = definition.devices.controllers[index]
            let fixed: PCIAddress?
            switch controller.kind {
            case .sata where isQ35 && controller.index == 0: fixed = PCIAddress(bus: 0, slot: 31, function: 2)
            case .ide where !isQ35: fixed = PCIAddress(bus: 0, slot: 1, function: 1)
            case .usb(let usb) where !isQ35 && controller.index == 0 && usb.model == .piix3UHCI:
                fixed = PCIAddress(bus: 0, slot: 1, function: 2)
            default: continue
            }
            guard let fixed else { continue }
            if let address = controller.address {
                let isBuiltIn = if case .usb = controller.kind { false } else { true }
                if isBuiltIn, address.slotAddress != fixed.slotAddress || address.function != fixed.function {
                    refuse(
                        "<controller type='\(controller.typeName)' index='0'> is at \(address), "
                            + "the machine has it at \(fixed)", .invalidXML, hint: "remove the <address>")
                }
            } else if topology.take(fixed) {
                definition.devices.controllers[index].address = fixed
            }
        }
        if let video = definition.devices.videos.first, video.model.isOnPCI, video.address == nil {
            let usual: UInt8 = isQ35 ? 1 : 2
            let place = topology.isFree(bus: 0, slot: usual) ? PCIAddress(bus: 0, slot: usual) : topology.freeRootSlot()
            if let place, topology.take(place) { definition.devices.videos[0].address = place }
        }
        placeICH9(&topology)
    }

    /// The USB 2 controller of a q35 chipset and its companions share a slot.
    private mutating func placeICH9(_ topology: inout PCITopology) {
        var slots: [UInt32: UInt8] = [:]
        let functions: [ControllerDefinition.USB.Model: UInt8] = [
            .ich9EHCI1: 7, .ich9UHCI1: 0, .ich9UHCI2: 1, .ich9UHCI3: 2,
        ]
        for controller in definition.devices.controllers {
            if let model = controller.usb?.model, functions[model] != nil, let address = controller.address,
                address.bus == 0
            {
                slots[controller.index ?? 0] = address.slot
            }
        }
        for index in definition.devices.controllers.indices {
            let controller = definition.devices.controllers[index]
            guard controller.address == nil, let model = controller.usb?.model, let function = functions[model] else {
                continue
            }
            let group = controller.index ?? 0
            let usual = (isQ35 ? [0x1D, 0x1A] : []).first { topology.isFree(bus: 0, slot: $0) }
            guard let slot = slots[group] ?? usual ?? topology.freeRootSlot()?.slot,
                let place = PCIAddress(bus: 0, slot: slot, function: function), topology.take(place)
            else {
                refuseFull("<controller type='usb' index='\(group)'>")
                continue
            }
            slots[group] = slot
            definition.devices.controllers[index].address = place
        }
    }

    private mutating func placePCIControllers(_ topology: inout PCITopology) {
        for index in definition.devices.controllers.indices {
            let controller = definition.devices.controllers[index]
            guard let pci = controller.pci, controller.address == nil else { continue }
            let place: PCIAddress?
            switch pci.model {
            case .pciRoot, .pcieRoot: continue
            case .pcieRootPort where isQ35: place = rootPortPlace(topology)
            case .pcieRootPort, .pcieToPCIBridge, .dmiToPCIBridge:
                guard isQ35 else {
                    refuse("an i440fx machine has no '\(pci.model.rawValue)'", hint: "machine='q35' would work")
                    continue
                }
                place = pci.model == .dmiToPCIBridge ? topology.freeRootSlot() : expressPlace(&topology)
            // A bridge goes on a lower bus than its own.
            case .pciBridge:
                let free = topology.freeConventionalSlot()
                place = free.flatMap { UInt32($0.bus) < (controller.index ?? 0) ? $0 : nil }
            }
            guard let place, topology.take(place) else {
                refuseFull("<controller type='pci' index='\(controller.index ?? 0)' model='\(pci.model.rawValue)'>")
                continue
            }
            definition.devices.controllers[index].address = place
        }
    }

    /// Root ports fill the functions of a slot, as in libvirt: eight take one slot.
    private func rootPortPlace(_ topology: PCITopology) -> PCIAddress? {
        let ports = definition.devices.controllers.filter { $0.pci?.model == .pcieRootPort }.compactMap(\.address)
        for first in ports.sorted() where first.bus == 0 && first.function == 0 && first.multifunction == true {
            let taken = topology.functions(bus: 0, slot: first.slot)
            let ours = ports.count { $0.bus == 0 && $0.slot == first.slot }
            guard taken.count == ours, let function = (1...7).first(where: { !taken.contains($0) }) else { continue }
            return PCIAddress(bus: 0, slot: first.slot, function: function)
        }
        var place = topology.freeRootSlot()
        place?.multifunction = true
        return place
    }

    private mutating func addBus(_ model: PCITopology.Model, at place: PCIAddress, _ topology: inout PCITopology)
        -> UInt8?
    {
        guard let index = topology.freeBusIndex(), topology.take(place) else { return nil }
        topology.addBus(index, model)
        addController(.pci(.init(model)), index: UInt32(index))
        let last = definition.devices.controllers.endIndex - 1
        definition.devices.controllers[last].address = place
        return index
    }

    private mutating func expressPlace(_ topology: inout PCITopology) -> PCIAddress? {
        if let free = topology.freeRootPort() { return free }
        guard let place = rootPortPlace(topology), let bus = addBus(.pcieRootPort, at: place, &topology) else {
            return nil
        }
        return PCIAddress(bus: bus, slot: 0)
    }

    private mutating func conventionalPlace(_ topology: inout PCITopology) -> PCIAddress? {
        if isQ35 {
            if let free = topology.freeConventionalSlot() { return free }
            guard let place = expressPlace(&topology), let bus = addBus(.pcieToPCIBridge, at: place, &topology) else {
                return nil
            }
            return PCIAddress(bus: bus, slot: 1)
        }
        // The last free slot carries the next bridge.
        if topology.freeConventionalSlots == 1, let last = topology.freeConventionalSlot() {
            _ = addBus(.pciBridge, at: last, &topology)
        }
        return topology.freeConventionalSlot()
    }

    private mutating func placeRest(_ topology: inout PCITopology) {
        for device in definition.devices.pciDevices(isQ35: isQ35)
        where definition.devices[keyPath: device.path] == nil {
            let place: PCIAddress?
            switch device.need {
            case .integrated: place = topology.freeRootSlot()
            case .express where isQ35: place = expressPlace(&topology)
            case .express, .conventional: place = conventionalPlace(&topology)
            }
            guard let place, topology.take(place) else {
                refuseFull(device.name)
                continue
            }
            definition.devices[keyPath: device.path] = place
        }
    }

    private mutating func refuseFull(_ name: String) {
        refuse("there is no free PCI slot for \(name)", hint: "give it an <address>, or remove devices")
    }

    /// Function 0 announces the other functions of its slot.
    private mutating func settleMultifunction() {
        let all = places(of: definition.devices)
        let shared = Set(all.filter { $0.1.function > 0 }.map(\.1.slotAddress))
        for (device, address) in all where address.function == 0 && shared.contains(address.slotAddress) {
            if address.multifunction == false {
                refuse(
                    "\(device.name) at \(address) says multifunction='off', and its slot has further functions",
                    .invalidXML, hint: "multifunction='on' would work")
            }
            var address = address
            address.multifunction = true
            definition.devices[keyPath: device.path] = address
        }
    }

    /// Which QEMU device stands behind a PCI controller, and how the guest is told of it.
    private mutating func describeRootPorts() {
        var chassis = Set(definition.devices.controllers.compactMap { $0.pci?.chassis })
        for index in definition.devices.controllers.indices {
            let controller = definition.devices.controllers[index]
            guard var pci = controller.pci else { continue }
            let number = UInt8(clamping: controller.index ?? 0)
            switch pci.model {
            case .pciRoot, .pcieRoot: continue
            case .pcieRootPort:
                pci.deviceName = pci.deviceName ?? .pcieRootPort
                // Its own number as a rule; the guest tells ports apart by it, so it must be nobody else's.
                let free = chassis.contains(number) ? (1...UInt8.max).first { !chassis.contains($0) } : number
                pci.chassis = pci.chassis ?? free ?? number
                chassis.insert(pci.chassis ?? number)
                if let address = controller.address { pci.port = pci.port ?? (address.slot << 3 | address.function) }
            case .pciBridge:
                pci.deviceName = pci.deviceName ?? .pciBridge
                pci.chassisNumber = pci.chassisNumber ?? number
            case .dmiToPCIBridge: pci.deviceName = pci.deviceName ?? .i82801b11Bridge
            case .pcieToPCIBridge: pci.deviceName = pci.deviceName ?? .pciePCIBridge
            }
            if let name = pci.deviceName, !pci.model.devices.contains(name) {
                refuse(
                    "<model name='\(name.rawValue)'/> is no '\(pci.model.rawValue)'", .invalidXML,
                    hint: "remove the <model>")
            }
            definition.devices.controllers[index].kind = .pci(pci)
        }
    }
}

extension ControllerDefinition.PCI.Model {
    fileprivate var devices: [ControllerDefinition.PCI.DeviceName] {
        switch self {
        case .pciRoot, .pcieRoot: []
        case .pcieRootPort: [.pcieRootPort, .ioh3420]
        case .pciBridge: [.pciBridge]
        case .dmiToPCIBridge: [.i82801b11Bridge]
        case .pcieToPCIBridge: [.pciePCIBridge]
        }
    }
}
