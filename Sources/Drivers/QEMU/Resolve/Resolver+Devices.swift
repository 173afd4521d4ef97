import LodgeCore

extension Resolver {
    /// Refuses what this QEMU has not, by the element that asks for it.
    mutating func checkDevices() {
        let devices = definition.devices
        for interface in devices.interfaces {
            if let model = interface.model {
                need(CommandLine.driver(model), for: "<interface> with <model type='\(model.rawValue)'/>", "virtio")
            }
            if let queues = interface.driver?.queues, queues > 1 {
                refuse(
                    "an interface with \(queues) queues is not supported", hint: "queues='1' would work, or no queues")
            }
            if interface.driver?.backend != nil, interface.model != .virtio {
                refuse(
                    "<driver name='…'> of an <interface> goes with <model type='virtio'/> only", .invalidXML,
                    hint: "remove the name")
            }
        }
        for disk in devices.disks {
            let isDisc = disk.device == .cdrom
            switch disk.bus {
            case .virtio: need("virtio-blk-pci", for: "a disk on bus='virtio'", "sata")
            case .sata, .ide: need(isDisc ? "ide-cd" : "ide-hd", for: "a disk on bus='\(disk.bus.rawValue)'", "virtio")
            case .scsi: need(isDisc ? "scsi-cd" : "scsi-hd", for: "a disk on bus='scsi'", "virtio")
            }
            checkDriver(of: disk)
        }
        for controller in devices.controllers { checkController(controller) }
        for input in devices.inputs { checkInput(input) }
        for video in devices.videos where video.model != .none {
            let name =
                switch video.model {
                case .vga: "VGA"
                case .virtio: video.isPrimary == true ? "virtio-vga" : "virtio-gpu-pci"
                case .bochs: "bochs-display"
                case .cirrus: "cirrus-vga"
                case .ramfb, .none: "ramfb"
                }
            need(name, for: "<video> with <model type='\(video.model.rawValue)'/>", "vga")
        }
        if devices.memoryBalloon?.model == .virtio { need("virtio-balloon-pci", for: "<memballoon>", "none") }
        if !devices.rngs.isEmpty { need("virtio-rng-pci", for: "<rng>", nil) }
        if devices.graphics.count > 1 {
            refuse("more than one <graphics type='vnc'> is not supported", hint: "keep one of them")
        }
    }

    private mutating func need(_ device: String, for what: String, _ instead: String?) {
        guard !capabilities.devices.contains(device) else { return }
        refuse(
            "\(what) needs '\(device)', which \(capabilities.title) has not",
            hint: instead.map { "'\($0)' would work" } ?? "remove it")
    }

    private mutating func checkDriver(of disk: DiskDefinition) {
        if disk.device == .disk, disk.isReadOnly, disk.bus == .ide || disk.bus == .sata {
            refuse(
                "the disk '\(disk.target)' is read-only, which bus='\(disk.bus.rawValue)' cannot tell the guest",
                hint: "bus='virtio' or 'scsi' would work, or device='cdrom'")
        }
        guard let driver = disk.driver else { return }
        if disk.bus != .virtio, driver.ioThread != nil || driver.queues != nil {
            refuse(
                "iothread and queues of the disk '\(disk.target)' go with bus='virtio' only", .invalidXML,
                hint: "remove them, or give them to its <controller type='scsi' model='virtio-scsi'>")
        }
        if let thread = driver.ioThread { checkThread(thread, "the disk '\(disk.target)'") }
        if driver.io == .native, driver.cache != .some(.none), driver.cache != .directsync {
            refuse(
                "io='native' of the disk '\(disk.target)' needs a cache mode without the host's page cache",
                .invalidXML, hint: "cache='none' or cache='directsync' would work")
        }
    }

    private mutating func checkThread(_ number: UInt32, _ what: String) {
        let count = definition.ioThreads ?? 0
        if number > count {
            refuse(
                "\(what) names I/O thread \(number), <iothreads> has \(count)", .invalidXML,
                hint: "<iothreads>\(number)</iothreads> would work")
        }
    }

    private mutating func checkController(_ controller: ControllerDefinition) {
        if let thread = controller.ioThread {
            checkThread(thread, "<controller type='scsi' index='\(controller.index ?? 0)'>")
        }
        switch controller.kind {
        case .usb(let usb):
            guard let model = usb.model, model != .none else { return }
            need(CommandLine.usbDriver(model), for: "<controller type='usb' model='\(model.rawValue)'>", "qemu-xhci")
        case .scsi(let scsi):
            let model = scsi.model ?? usualSCSIModel
            need(
                CommandLine.scsiDriver(model), for: "<controller type='scsi' model='\(model.rawValue)'>", "virtio-scsi")
        case .virtioSerial: need("virtio-serial-pci", for: "<controller type='virtio-serial'>", nil)
        case .sata: if !isQ35 || controller.index != 0 { need("ahci", for: "<controller type='sata'>", nil) }
        case .pci(let pci):
            if let name = pci.deviceName {
                need(name.rawValue, for: "<controller type='pci' model='\(pci.model.rawValue)'>", nil)
            }
        case .ide: return
        }
    }

    private mutating func checkInput(_ input: InputDefinition) {
        switch (input.bus, input.kind) {
        case (.ps2, _): return
        case (.usb, .tablet): need("usb-tablet", for: "<input type='tablet' bus='usb'>", nil)
        case (.usb, .mouse): need("usb-mouse", for: "<input type='mouse' bus='usb'>", nil)
        case (.usb, .keyboard): need("usb-kbd", for: "<input type='keyboard' bus='usb'>", nil)
        case (.virtio, let kind): need("virtio-\(kind.rawValue)-pci", for: "<input bus='virtio'>", nil)
        }
    }
}
