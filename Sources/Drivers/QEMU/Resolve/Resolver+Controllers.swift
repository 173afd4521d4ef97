import LodgeCore

extension Resolver {
    /// Numbers the controllers, adds those that the machine has and those that the devices need.
    mutating func resolveControllers() {
        addRoot()
        numberControllers()
        resolveUSBControllers()
        resolveSCSIControllers()
        if isQ35 { ensureController(.sata, index: 0) }
        for index in definition.devices.controllers.indices {
            switch definition.devices.controllers[index].kind {
            case .ide(let model):
                if isQ35 {
                    refuse("a q35 machine has no IDE controller", hint: "bus='sata' would work for its disks")
                } else if definition.devices.controllers[index].index != 0 {
                    refuse("a machine has one IDE controller only", hint: "use index='0', or bus='sata' for its disks")
                } else if let model, model != .piix3 {
                    refuse("the IDE controller of this machine is a piix3", .invalidXML, hint: "remove the model")
                } else {
                    definition.devices.controllers[index].kind = .ide(.piix3)
                }
            default: break
            }
        }
    }

    private mutating func addRoot() {
        let (wanted, other): (ControllerDefinition.PCI.Model, ControllerDefinition.PCI.Model) =
            isQ35 ? (.pcieRoot, .pciRoot) : (.pciRoot, .pcieRoot)
        let roots = definition.devices.controllers.filter { $0.pci?.model == wanted || $0.pci?.model == other }
        if roots.contains(where: { $0.pci?.model == other }) {
            refuse(
                "the machine type '\(definition.os.machine ?? "")' has no '\(other.rawValue)'", .invalidXML,
                hint: "model='\(wanted.rawValue)' would work")
        } else if roots.count > 1 || roots.contains(where: { $0.index != nil && $0.index != 0 }) {
            refuse(
                "a machine has one '\(wanted.rawValue)', of index 0", .invalidXML,
                hint: "use <controller type='pci' index='0' model='\(wanted.rawValue)'/>")
        }
        if let place = definition.devices.controllers.firstIndex(where: { $0.pci?.model == wanted }) {
            definition.devices.controllers[place].index = 0
        } else {
            let root = ControllerDefinition(.pci(.init(wanted)), index: 0)
            let place = definition.devices.controllers.firstIndex { $0.pci != nil }
            definition.devices.controllers.insert(root, at: place ?? definition.devices.controllers.endIndex)
        }
    }

    /// Gives each controller without an index the lowest that is free among its kind.
    private mutating func numberControllers() {
        for place in definition.devices.controllers.indices where definition.devices.controllers[place].index == nil {
            let controller = definition.devices.controllers[place]
            definition.devices.controllers[place].index = freeIndex(of: controller.typeName)
        }
    }

    private func freeIndex(of typeName: String) -> UInt32 {
        let taken = Set(
            definition.devices.controllers.filter { $0.typeName == typeName }.compactMap(\.index))
        return (0...UInt32(taken.count)).first { !taken.contains($0) } ?? 0
    }

    /// The index of the controller that was added.
    @discardableResult
    mutating func addController(_ kind: ControllerDefinition.Kind, index: UInt32? = nil) -> UInt32 {
        var controller = ControllerDefinition(kind, index: index)
        let number = index ?? freeIndex(of: controller.typeName)
        controller.index = number
        definition.devices.controllers.append(controller)
        return number
    }

    mutating func ensureController(_ kind: ControllerDefinition.Kind, index: UInt32) {
        let name = ControllerDefinition(kind, index: index).typeName
        if !definition.devices.controllers.contains(where: { $0.typeName == name && $0.index == index }) {
            addController(kind, index: index)
        }
    }

    private mutating func resolveUSBControllers() {
        let usual: ControllerDefinition.USB.Model = isQ35 ? .qemuXHCI : .piix3UHCI
        if !definition.devices.controllers.contains(where: { $0.usb != nil }) {
            addController(.usb(.init(usual)))
        }
        for place in definition.devices.controllers.indices {
            guard case .usb(var usb) = definition.devices.controllers[place].kind else { continue }
            usb.model = usb.model ?? usual
            definition.devices.controllers[place].kind = .usb(usb)
            if usb.ports != nil, usb.model != .qemuXHCI, usb.model != .necXHCI {
                refuse(
                    "@ports of a USB controller is for model='qemu-xhci'", .invalidXML,
                    hint: "remove it, or use model='qemu-xhci'")
            }
        }
        let models = definition.devices.controllers.compactMap { $0.usb?.model }
        if models.contains(.none), models.count > 1 {
            refuse("model='none' beside another USB controller", .invalidXML, hint: "remove one of them")
        }
        for controller in definition.devices.controllers {
            guard let usb = controller.usb, usb.masterStartPort != nil else { continue }
            let hasMaster = definition.devices.controllers.contains {
                $0.index == controller.index && $0.usb?.model == .ich9EHCI1
            }
            if !hasMaster {
                refuse(
                    "a USB companion of index \(controller.index ?? 0) without its ich9-ehci1 controller", .invalidXML,
                    hint: "add <controller type='usb' index='\(controller.index ?? 0)' model='ich9-ehci1'/>")
            }
        }
    }

    private mutating func resolveSCSIControllers() {
        for place in definition.devices.controllers.indices {
            guard case .scsi(var scsi) = definition.devices.controllers[place].kind else { continue }
            scsi.model = scsi.model ?? usualSCSIModel
            definition.devices.controllers[place].kind = .scsi(scsi)
            if scsi.model != .virtioSCSI, scsi.queues != nil || scsi.ioThread != nil {
                refuse(
                    "the <driver> of a SCSI controller is for model='virtio-scsi'", .invalidXML,
                    hint: "remove it, or use model='virtio-scsi'")
            }
        }
    }

    /// libvirt's choice for PCs, so that a guest keeps the controller that it was installed with.
    var usualSCSIModel: ControllerDefinition.SCSI.Model {
        capabilities.devices.contains("lsi53c895a") ? .lsilogic : .virtioSCSI
    }

    func controller(_ typeName: String, _ index: UInt32) -> ControllerDefinition? {
        definition.devices.controllers.first { $0.typeName == typeName && $0.index == index }
    }
}
