import LodgeCore

extension DomainDefinition {
    /// With the names that libvirt gives to the devices of a running guest, which are QEMU's ids of them; names that the
    /// user chose (`ua-…`) stay. Doing it twice changes nothing.
    ///
    /// Buses are named after the machine's ones and their controllers' numbers, whatever the alias says.
    func withAliases() -> DomainDefinition {
        var definition = self
        func name(_ alias: inout String?, _ usual: String) {
            if alias?.hasPrefix("ua-") != true { alias = usual }
        }
        var taken: Set<String> = []
        for index in devices.disks.indices {
            var usual = diskAlias(devices.disks[index])
            // Two targets of different letters can have the same number.
            if !taken.insert(usual).inserted { usual = "disk\(index)" }
            name(&definition.devices.disks[index].alias, usual)
        }
        for index in devices.controllers.indices {
            name(&definition.devices.controllers[index].alias, controllerAlias(devices.controllers[index], index))
        }
        for index in devices.interfaces.indices { name(&definition.devices.interfaces[index].alias, "net\(index)") }
        for index in devices.serials.indices { name(&definition.devices.serials[index].alias, "serial\(index)") }
        for index in devices.consoles.indices {
            if devices.consoles[index].target == .serial {
                definition.devices.consoles[index].alias = definition.devices.serials.first?.alias
            } else {
                name(&definition.devices.consoles[index].alias, "console\(index)")
            }
        }
        for index in devices.channels.indices { name(&definition.devices.channels[index].alias, "channel\(index)") }
        for index in devices.inputs.indices { name(&definition.devices.inputs[index].alias, "input\(index)") }
        for index in devices.videos.indices { name(&definition.devices.videos[index].alias, "video\(index)") }
        for index in devices.rngs.indices { name(&definition.devices.rngs[index].alias, "rng\(index)") }
        if definition.devices.memoryBalloon?.model == .virtio, var balloon = definition.devices.memoryBalloon {
            name(&balloon.alias, "balloon0")
            definition.devices.memoryBalloon = balloon
        }
        return definition
    }

    private func diskAlias(_ disk: DiskDefinition) -> String {
        guard disk.bus != .virtio, let drive = disk.address?.drive else {
            return "virtio-disk\(Resolver.number(of: disk.target) ?? 0)"
        }
        let place = "\(disk.bus.rawValue)\(drive.controller)-\(drive.bus)"
        let isWide = devices.controllers.contains { controller in
            guard controller.index == drive.controller, case .scsi(let scsi) = controller.kind else { return false }
            return scsi.model == .virtioSCSI
        }
        return disk.bus == .scsi && isWide ? "\(place)-\(drive.target)-\(drive.unit)" : "\(place)-\(drive.unit)"
    }

    private func controllerAlias(_ controller: ControllerDefinition, _ position: Int) -> String {
        let index = controller.index ?? 0
        return switch controller.kind {
        case .pci(let pci): pci.model == .pcieRoot ? "pcie.0" : "pci.\(index)"
        case .usb(let usb): CommandLine.usbID(usb, index, position)
        case .scsi: "scsi\(index)"
        case .virtioSerial: "virtio-serial\(index)"
        case .sata: index == 0 && os.machineFamily == .q35 ? "ide" : "sata\(index)"
        case .ide: index == 0 ? "ide" : "ide\(index)"
        }
    }
}
