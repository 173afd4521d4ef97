import LodgeCore

/// Disks and CD-ROM drives: the file, the format on top of it, and the drive that the guest sees.
extension CommandLine {
    mutating func writeDisk(_ disk: DiskDefinition, _ index: Int) throws(LodgeError) {
        let name = "disk\(index)"
        if let source = disk.source { writeImage(disk, source, name) }
        var drive = try drivePlace(disk)
        drive["id"] = .string(disk.alias ?? name)
        if disk.source != nil { drive["drive"] = .string("\(name)-format") }
        drive["bootindex"] = .count(bootIndexes.disk(index))
        drive["serial"] = .text(disk.serial)
        if disk.device == .disk {
            drive["write-cache"] = .onOff(Self.writesBack(disk.driver?.cache))
            if disk.isShareable { drive["share-rw"] = true }
        }
        // They belong to the image, so a drive without one has none.
        if disk.source != nil {
            drive["werror"] = .text(disk.driver?.errorPolicy.map { $0 == .enospace ? "enospc" : $0.rawValue })
            drive["rerror"] = .text(disk.driver?.readErrorPolicy?.rawValue)
        }
        list.add("-device", drive)
    }

    private mutating func writeImage(_ disk: DiskDefinition, _ source: DiskDefinition.Source, _ name: String) {
        let cache = Self.cache(disk.driver?.cache)
        let driver: String
        switch source {
        case .file: driver = "file"
        case .block: driver = disk.device == .cdrom ? "host_cdrom" : "host_device"
        }
        list.add(
            "-blockdev",
            [
                "driver": .string(driver), "filename": .string(source.path), "node-name": .string("\(name)-storage"),
                "read-only": .bool(disk.isReadOnly), "cache": cache,
                "aio": .text(disk.driver?.io.map { $0 == .ioUring ? "io_uring" : $0.rawValue }),
                "discard": .text(disk.driver?.discard?.rawValue),
            ])
        list.add(
            "-blockdev",
            [
                "driver": .string(disk.format.rawValue), "node-name": .string("\(name)-format"),
                "file": .string("\(name)-storage"), "read-only": .bool(disk.isReadOnly), "cache": cache,
                "discard": .text(disk.driver?.discard?.rawValue),
                "detect-zeroes": .text(Self.detectZeroes(disk.driver)),
                "backing": disk.endsBackingChain && disk.format == .qcow2 ? .some(.null) : nil,
            ])
    }

    /// The device and where it hangs.
    private func drivePlace(_ disk: DiskDefinition) throws(LodgeError) -> [String: JSONValue?] {
        let isDisc = disk.device == .cdrom
        if disk.bus == .virtio {
            return try place(disk.address?.pci, "the disk '\(disk.target)'").with([
                "driver": "virtio-blk-pci", "num-queues": .count(disk.driver?.queues),
                "iothread": .text(disk.driver?.ioThread.map { "iothread\($0)" }),
            ])
        }
        guard case .drive(let address)? = disk.address else {
            throw LodgeError(
                .invalidState, "the disk '\(disk.target)' has no drive address",
                object: ObjectReference(.domain, definition.name))
        }
        switch disk.bus {
        case .sata:
            let isBuiltIn = address.controller == 0 && definition.os.machineFamily == .q35
            let controller = isBuiltIn ? "ide" : "sata\(address.controller)"
            return [
                "driver": .string(isDisc ? "ide-cd" : "ide-hd"), "bus": .string("\(controller).\(address.unit)"),
            ]
        case .ide:
            return [
                "driver": .string(isDisc ? "ide-cd" : "ide-hd"), "bus": .string("ide.\(address.bus)"),
                "unit": .count(address.unit),
            ]
        case .scsi where isNarrow(address.controller):
            return [
                "driver": .string(isDisc ? "scsi-cd" : "scsi-hd"), "bus": .string("scsi\(address.controller).0"),
                "scsi-id": .count(address.unit),
            ]
        case .scsi:
            return [
                "driver": .string(isDisc ? "scsi-cd" : "scsi-hd"), "bus": .string("scsi\(address.controller).0"),
                "channel": .count(address.bus), "scsi-id": .count(address.target), "lun": .count(address.unit),
            ]
        case .virtio: return [:]
        }
    }

    /// A parallel SCSI bus tells its drives apart by target alone, which libvirt's addresses call the unit.
    private func isNarrow(_ index: UInt32) -> Bool {
        devices.controllers.contains { controller in
            guard controller.index == index, case .scsi(let scsi) = controller.kind else { return false }
            return scsi.model != .virtioSCSI
        }
    }

    /// What each cache mode means to the host's side (QEMU's documentation of `-drive cache=`).
    private static func cache(_ mode: DiskDefinition.Cache?) -> JSONValue? {
        switch mode {
        case .some(.none), .directsync: ["direct": true, "no-flush": false]
        case .unsafe: ["direct": false, "no-flush": true]
        case .writeback, .writethrough: ["direct": false, "no-flush": false]
        case .default, nil: nil
        }
    }

    /// QEMU unmaps zeroes only where it also discards; elsewhere libvirt writes them as such, and so do we.
    private static func detectZeroes(_ driver: DiskDefinition.Driver?) -> String? {
        guard let mode = driver?.detectZeroes else { return nil }
        return mode == .unmap && driver?.discard != .unmap ? "on" : mode.rawValue
    }

    /// Whether the guest is told of a cache that it must flush.
    private static func writesBack(_ mode: DiskDefinition.Cache?) -> Bool? {
        switch mode {
        case .some(.none), .unsafe, .writeback: true
        case .writethrough, .directsync: false
        case .default, nil: nil
        }
    }
}
