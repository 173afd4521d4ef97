import LodgeCore

extension Resolver {
    private struct Place: Hashable {
        var bus: DiskDefinition.Bus
        var address: DriveAddress
    }

    /// Gives each SATA, IDE and SCSI drive its port, by its target's name where that port is free, as libvirt does.
    mutating func placeDrives() {
        var taken: Set<Place> = []
        for disk in definition.devices.disks {
            guard let address = disk.address?.drive else { continue }
            checkDrive(disk, at: address)
            if !taken.insert(Place(bus: disk.bus, address: address)).inserted {
                refuse("two disks at the same \(disk.bus.rawValue) address", .invalidXML, hint: "remove one <address>")
            }
        }
        for place in definition.devices.disks.indices {
            let disk = definition.devices.disks[place]
            guard disk.bus != .virtio else { continue }
            if disk.bus == .ide, isQ35 {
                refuse(
                    "the disk '\(disk.target)' is on bus='ide', which a q35 machine has not",
                    hint: "bus='sata' would work")
                continue
            }
            if disk.address?.drive == nil {
                guard let address = freeDriveAddress(for: disk, taken: taken) else {
                    refuse(
                        "there is no IDE port for the disk '\(disk.target)'", hint: "bus='sata' or 'virtio' would work")
                    continue
                }
                taken.insert(Place(bus: disk.bus, address: address))
                definition.devices.disks[place].address = .drive(address)
            }
            guard let controller = definition.devices.disks[place].address?.drive?.controller else { continue }
            switch disk.bus {
            case .sata: ensureController(.sata, index: controller)
            case .ide: ensureController(.ide(.piix3), index: controller)
            case .scsi: ensureController(.scsi(.init(usualSCSIModel)), index: controller)
            case .virtio: break
            }
        }
    }

    private func freeDriveAddress(for disk: DiskDefinition, taken: Set<Place>) -> DriveAddress? {
        let preferred = Self.number(of: disk.target) ?? 0
        // More candidates than drives, so one is free; IDE ends at its four.
        let candidates = [preferred] + Array(0...(definition.devices.disks.count + taken.count))
        for number in candidates {
            guard let address = Self.driveAddress(number, on: disk.bus),
                !taken.contains(Place(bus: disk.bus, address: address))
            else { continue }
            return address
        }
        return nil
    }

    /// The place of the n-th drive of a bus.
    private static func driveAddress(_ number: Int, on bus: DiskDefinition.Bus) -> DriveAddress? {
        let number = UInt32(clamping: number)
        switch bus {
        case .sata: return DriveAddress(controller: number / 6, unit: number % 6)
        case .ide: return number < 4 ? DriveAddress(bus: number / 2, unit: number % 2) : nil
        // A narrow bus, as libvirt counts it: seven units and the controller itself.
        case .scsi: return DriveAddress(controller: number / 7, unit: number % 7)
        case .virtio: return nil
        }
    }

    /// `sda` is 0, `sdz` 25, `sdaa` 26.
    static func number(of target: String) -> Int? {
        var number = 0
        for byte in target.utf8.dropFirst(2) {
            guard (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte), number < 10_000 else { return nil }
            number = number * 26 + Int(byte - UInt8(ascii: "a")) + 1
        }
        return number > 0 ? number - 1 : nil
    }

    private mutating func checkDrive(_ disk: DiskDefinition, at address: DriveAddress) {
        let isNarrow =
            if case .scsi(let scsi)? = controller("scsi", address.controller)?.kind {
                (scsi.model ?? usualSCSIModel) != .virtioSCSI
            } else {
                usualSCSIModel != .virtioSCSI
            }
        let (channels, targets, units): (UInt32, UInt32, UInt32) =
            switch disk.bus {
            case .sata: (1, 1, 6)
            case .ide: (2, 1, 2)
            case .scsi where isNarrow: (1, 1, 8)
            case .scsi: (1, 256, 16384)
            case .virtio: (1, 1, 1)
            }
        guard address.bus < channels, address.target < targets, address.unit < units, address.controller < 256 else {
            return refuse(
                "the disk '\(disk.target)' has an address that its \(disk.bus.rawValue) controller has not",
                .invalidXML,
                hint: "at most bus='\(channels - 1)' target='\(targets - 1)' unit='\(units - 1)', or no <address>")
        }
    }
}
