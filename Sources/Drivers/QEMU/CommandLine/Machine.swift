import LodgeCore

/// The machine itself: name, accelerator, memory, boot, power, monitors.
extension CommandLine {
    mutating func writeIdentity() {
        list.add("-name", nil, [("guest", definition.name), ("debug-threads", "on")])
        list.add("-nodefaults")
        list.add("-no-user-config")
        // Nothing runs before its rules, its confinement and its record are complete.
        list.add("-S")
        list.add("-display", "none")
        if let uuid = definition.uuid { list.add("-uuid", uuid.lowercased) }
    }

    mutating func writeMachine() {
        let features = definition.features
        let hpet = definition.clock.timers.first { $0.name == .hpet }?.isPresent
        list.add(
            "-machine", definition.os.machine ?? "q35",
            [
                ("usb", "off"), ("dump-guest-core", "off"),
                ("acpi", (features?.acpi ?? false).onOff),
                ("hpet", hpet?.onOff),
                ("vmport", features?.vmport?.onOff), ("smm", features?.smm?.onOff),
                // Tells the firmware to speak on the serial port.
                ("graphics", definition.os.bios?.usesSerial.map { (!$0).onOff }),
                ("kernel-irqchip", irqchip),
                ("pflash0", definition.os.loader?.kind == .pflash ? "pflash0" : nil),
                ("pflash1", definition.os.nvram?.path == nil ? nil : "pflash1"),
            ])
        list.add("-accel", definition.kind == .kvm ? "kvm" : "tcg")
        list.add("-m", nil, [("size", "\(definition.memory.kibibytesRoundedUp)k")])
        for thread in 0..<(definition.ioThreads ?? 0) {
            list.add("-object", ["qom-type": "iothread", "id": .string("iothread\(thread + 1)")])
        }
    }

    private var irqchip: String? {
        guard definition.kind == .kvm else { return nil }
        switch definition.features?.ioapic {
        case .kvm: return "on"
        case .qemu: return "split"
        case nil: return nil
        }
    }

    /// Firmware from a file, and the guest's own variables beside it.
    mutating func writeFirmware() throws(LodgeError) {
        let os = definition.os
        guard let loader = os.loader, let path = loader.path else { return }
        guard loader.kind == .pflash else {
            list.add("-bios", path)
            return
        }
        list.add(
            "-blockdev",
            [
                "driver": "raw", "node-name": "pflash0", "read-only": .bool(loader.isReadOnly ?? true),
                "file": [
                    "driver": "file", "filename": .string(path), "read-only": .bool(loader.isReadOnly ?? true),
                ],
            ])
        if let variables = os.nvram?.path {
            list.add(
                "-blockdev",
                [
                    "driver": "raw", "node-name": "pflash1", "read-only": false,
                    "file": ["driver": "file", "filename": .string(variables)],
                ])
        }
        if loader.isSecure == true {
            list.add("-global", "driver=cfi.pflash01,property=secure,value=on")
        }
    }

    /// Two sockets that are listening before QEMU exists: one for short exclusive exchanges, one for the supervisor.
    mutating func writeMonitors() {
        for (name, descriptor) in [
            ("control", LaunchPlan.Descriptor.controlMonitor), ("events", LaunchPlan.Descriptor.eventsMonitor),
        ] {
            list.add(
                "-chardev", "socket",
                [("id", name), ("fd", "\(descriptor)"), ("server", "on"), ("wait", "off")])
            list.add("-mon", nil, [("chardev", name), ("mode", "control")])
        }
    }

    mutating func writePower() {
        list.add("-action", nil, policy.argument)
        guard let power = definition.powerManagement else { return }
        let device = definition.os.machineFamily == .i440fx ? "PIIX4_PM" : "ICH9-LPC"
        if let memory = power.suspendToMemory { list.add("-global", "\(device).disable_s3=\(memory ? 0 : 1)") }
        if let disk = power.suspendToDisk { list.add("-global", "\(device).disable_s4=\(disk ? 0 : 1)") }
    }

    mutating func writeBoot() {
        let os = definition.os
        list.add(
            "-boot", nil,
            [
                ("menu", os.bootMenu?.isEnabled.onOff),
                ("splash-time", os.bootMenu?.timeout.map { "\($0)" }),
                ("reboot-timeout", os.bios?.rebootTimeout.map { "\($0)" }),
                ("strict", "on"),
            ])
        if let kernel = os.kernel { list.add("-kernel", kernel) }
        if let initrd = os.initrd { list.add("-initrd", initrd) }
        if let commandLine = os.commandLine { list.add("-append", commandLine) }
    }
}
