import FoundationEssentials
import LodgeCore
import TestSupport
import Testing

@testable import LodgeQEMU

/// Every fixture's command line is given to the installed QEMU, which is then asked what it made of it.
@Suite(.serialized, .enabled(if: InstalledQEMU.isThere, InstalledQEMU.comment))
struct StartFixtureTests {
    @Test(arguments: Fixtures.domains)
    func isWhatQEMUMakesOfIt(_ name: String) throws {
        let directory = try ScratchDirectory()
        let definition = try resolvedOnThisHost(try Fixtures.domain(name).portable(in: directory)).withAliases()
        if let nvram = definition.os.nvram?.path, let template = definition.os.nvram?.template {
            let bytes = try #require(try AtomicFile.read(template, limit: 64 << 20))
            try AtomicFile.write(bytes, to: nvram, durable: false)
        }
        let plan = try LaunchPlan(
            definition,
            LaunchInputs(
                emulator: InstalledQEMU.path, runDirectory: directory.path, vncPorts: [0: freeVNCPort()], now: 0))
        let qemu = try StartedQEMU(plan, in: directory)
        for step in plan.finish { try qemu.ask(step.command, step.arguments) }

        #expect(try qemu.ask("query-status")["status"] == "prelaunch")
        #expect(try qemu.ask("query-name")["name"]?.string == definition.name)
        #expect(try qemu.ask("query-uuid")["UUID"]?.string == definition.uuid?.uuidString.lowercased())
        let memory = try qemu.ask("query-memory-size-summary")["base-memory"]?.integer
        #expect(memory == Int64(definition.memory.bytes))
        let cpus = try qemu.ask("query-cpus-fast").array?.count
        #expect(cpus == Int(definition.vcpu.current ?? definition.vcpu.maximum))
        let slots = try qemu.ask("query-hotpluggable-cpus").array?.count
        #expect(slots == Int(definition.vcpu.maximum))
        if let machine = definition.os.machine {
            #expect(try qemu.property("/machine", "type").string == "\(machine)-machine")
        }
        try checkDisks(definition, qemu)
        try checkPlaces(definition, qemu)
        try checkCharacterDevices(definition, qemu, plan)
        // Besides what is about this emulated processor and no fault of the command line.
        let known = ["char device redirected", "TCG doesn't support requested", "hyperthreading", "enabling topoext"]
        let complaints = qemu.words.split(separator: "\n").filter { line in
            !known.contains { line.contains($0) }
        }
        #expect(complaints.isEmpty, "\(complaints)")
    }

    private func checkDisks(_ definition: DomainDefinition, _ qemu: StartedQEMU) throws {
        let nodes = try qemu.nodes()
        let devices = try qemu.devices()
        for (index, disk) in definition.devices.disks.enumerated() {
            let id = disk.alias ?? "disk\(index)"
            let expected =
                switch (disk.bus, disk.device) {
                case (.virtio, _): "virtio-blk-pci"
                case (.scsi, .disk): "scsi-hd"
                case (.scsi, .cdrom): "scsi-cd"
                case (_, .disk): "ide-hd"
                case (_, .cdrom): "ide-cd"
                }
            #expect(devices[id] == expected)
            if let serial = disk.serial {
                // The front end of virtio keeps it in the device behind the PCI one.
                #expect(try qemu.property("/machine/peripheral/\(id)", "serial").string == serial)
            }
            guard let path = disk.source?.path else { continue }
            let format = try #require(nodes["disk\(index)-format"])
            #expect(format["drv"]?.string == disk.format.rawValue)
            #expect(format["ro"]?.bool == disk.isReadOnly)
            #expect(nodes["disk\(index)-storage"]?["file"]?.string == path)
        }
    }

    private func checkPlaces(_ definition: DomainDefinition, _ qemu: StartedQEMU) throws {
        var all: [(String, PCIAddress?)] = []
        let devices = definition.devices
        all += devices.disks.enumerated().map { ($1.alias ?? "disk\($0)", $1.address?.pci) }
        all += devices.interfaces.enumerated().map { ($1.alias ?? "net\($0)", $1.address) }
        all += devices.rngs.enumerated().map { ($1.alias ?? "rng\($0)", $1.address) }
        all += devices.videos.enumerated().map { ($1.alias ?? "video\($0)", $1.address) }
        all.append((devices.memoryBalloon?.alias ?? "balloon0", devices.memoryBalloon?.address))
        for controller in devices.controllers {
            guard let pci = controller.pci, pci.model != .pciRoot, pci.model != .pcieRoot else { continue }
            all.append(("pci.\(controller.index ?? 0)", controller.address))
        }
        for (id, address) in all {
            guard let address else { continue }
            let path = "/machine/peripheral/\(id)"
            let place = try qemu.property(path, "addr").integer
            #expect(place == Int64(address.slot << 3 | address.function), "\(id)")
            let bus = try qemu.property(path, "parent_bus").string ?? ""
            let root = definition.os.machineFamily == .q35 ? "pcie.0" : "pci.0"
            #expect(bus.hasSuffix(address.bus == 0 ? "/\(root)" : "/pci.\(address.bus)"), "\(id): \(bus)")
        }
    }

    private func checkCharacterDevices(
        _ definition: DomainDefinition, _ qemu: StartedQEMU, _ plan: LaunchPlan
    ) throws {
        let labels = Set((try qemu.ask("query-chardev").array ?? []).compactMap { $0["label"]?.string })
        for (index, serial) in definition.devices.serials.enumerated() {
            #expect(labels.contains("char\(serial.alias ?? "serial\(index)")"))
        }
        for (index, channel) in definition.devices.channels.enumerated() {
            let id = channel.alias ?? "channel\(index)"
            #expect(labels.contains("char\(id)"))
            #expect(try qemu.property("/machine/peripheral/\(id)", "name").string == channel.name)
        }
        #expect(plan.terminals.isSubset(of: labels))
    }
}

/// Fitted to the installed QEMU and firmware.
func resolvedOnThisHost(_ definition: DomainDefinition) throws -> DomainDefinition {
    try definition.resolved(
        ResolveInputs(
            capabilities: try InstalledQEMU.capabilities.get(), kvm: .missing, firmware: Fixtures.firmware,
            nvramDirectory: "/nonexistent"))
}

/// Far from the ports that anything else on the machine is likely to have.
func freeVNCPort() -> UInt16 { UInt16.random(in: 20000...30000) }
