import FoundationEssentials
import LodgeCore
import Testing

@testable import LodgeQEMU

/// Where devices go, as a table of small guests.
@Suite struct PlacementTests {
    static func guest(_ machine: String, _ change: (inout DomainDefinition) -> Void = { _ in }) -> DomainDefinition {
        var definition = DomainDefinition(.qemu, name: "g", memory: .mebibytes(64))
        definition.uuid = UUID(uuidString: "00000000-0000-4000-8000-000000000002")
        definition.os.machine = machine
        change(&definition)
        return definition
    }

    static func disk(_ target: String, _ bus: DiskDefinition.Bus) -> DiskDefinition {
        DiskDefinition(source: .file("/\(target)"), target: target, bus: bus)
    }

    static func card(_ model: InterfaceDefinition.Model, _ number: Int = 1) -> InterfaceDefinition {
        let digits = String(number, radix: 16)
        return InterfaceDefinition(
            source: .user, mac: MACAddress("52:54:00:00:00:\(digits.count == 1 ? "0" : "")\(digits)"), model: model)
    }

    private func resolve(_ definition: DomainDefinition) throws -> DomainDefinition {
        let resolved = try definition.resolved(Fixtures.inputs())
        #expect(try resolved.resolved(Fixtures.inputs()) == resolved)
        return resolved
    }

    @Test func aPlainQ35HasWhatLibvirtGivesIt() throws {
        let devices = try resolve(Self.guest("q35")).devices
        #expect(
            devices.controllers.map { "\($0.typeName) \($0.index ?? 99) \($0.address?.description ?? "-")" } == [
                "pci 0 -", "usb 0 0000:01:00.0", "sata 0 0000:00:1f.2", "pci 1 0000:00:02.0", "pci 2 0000:00:02.1",
            ])
        #expect(devices.memoryBalloon?.address?.description == "0000:02:00.0")
        #expect(devices.inputs.map(\.kind) == [.mouse, .keyboard])
        #expect(devices.videos.isEmpty)
    }

    @Test func aPlainPCHasWhatLibvirtGivesIt() throws {
        let resolved = try resolve(Self.guest("pc"))
        #expect(resolved.os.machine == "pc-i440fx-7.2")
        #expect(
            resolved.devices.controllers.map { "\($0.typeName) \($0.address?.description ?? "-")" } == [
                "pci -", "usb 0000:00:01.2",
            ])
        #expect(resolved.devices.memoryBalloon?.address?.description == "0000:00:03.0")
    }

    @Test func aPlacedDeviceStaysWhenOthersComeAndGo() throws {
        var first = try resolve(
            Self.guest("q35") {
                $0.devices.disks = [Self.disk("vda", .virtio), Self.disk("vdb", .virtio)]
                $0.devices.interfaces = [Self.card(.virtio)]
            })
        let places = first.devices.disks.map { $0.address?.pci?.description }
        first.devices.disks.remove(at: 0)
        first.devices.rngs = [RNGDefinition(.builtin)]
        first.devices.interfaces.insert(Self.card(.virtio, 2), at: 0)
        let second = try resolve(first)
        #expect(second.devices.disks.map { $0.address?.pci?.description } == [places[1]])
        // What came took the free port first, so nothing else moved.
        #expect(
            Set(second.devices.pciAddresses.map(\.slotAddress)).isSuperset(
                of: Set(first.devices.pciAddresses.map(\.slotAddress))))
    }

    @Test func plainPCIOnAQ35GoesBehindABridge() throws {
        let devices = try resolve(
            Self.guest("q35") {
                $0.devices.interfaces = [Self.card(.rtl8139), Self.card(.e1000, 2)]
                $0.devices.disks = [Self.disk("sda", .scsi)]
            }
        ).devices
        let bridge = try #require(devices.controllers.first { $0.pci?.model == .pcieToPCIBridge })
        #expect(devices.interfaces.map { $0.address.map { UInt32($0.bus) } } == [bridge.index, bridge.index])
        #expect(devices.interfaces.map { $0.address?.slot } == [1, 2])
    }

    @Test func moreDevicesThanABusHasGoBehindBridges() throws {
        for machine in ["pc", "q35"] {
            let resolved = try resolve(
                Self.guest(machine) {
                    $0.devices.interfaces = (0..<70).map { Self.card(.e1000, $0) }
                })
            let places = resolved.devices.interfaces.compactMap(\.address)
            #expect(Set(places).count == 70)
            let bridges = resolved.devices.controllers.filter {
                $0.pci?.model == .pciBridge || $0.pci?.model == .pcieToPCIBridge
            }
            #expect(bridges.count == (machine == "pc" ? 2 : 3))
        }
    }

    @Test func aHundredRootPortsFillSlotsByEights() throws {
        let resolved = try resolve(
            Self.guest("q35") {
                $0.devices.interfaces = (0..<100).map { Self.card(.virtio, $0) }
            })
        let ports = resolved.devices.controllers.filter { $0.pci?.model == .pcieRootPort }
        #expect(ports.count == 102)
        #expect(Set(ports.compactMap(\.address?.slot)).count == 13)
        #expect(ports.filter { $0.address?.function == 0 }.allSatisfy { $0.address?.multifunction == true })
        #expect(Set(ports.compactMap { $0.pci?.chassis }).count == 102)
    }

    @Test func tooManyAreRefusedAndNothingTraps() throws {
        let error = #expect(throws: LodgeError.self) {
            try Self.guest("q35") {
                $0.devices.interfaces = (0..<400).map { Self.card(.virtio, $0 % 256) }
            }.resolved(Fixtures.inputs())
        }
        #expect("\(try #require(error))".contains("no free PCI slot"))
    }

    @Test func busesThatAddressesSpeakOfAreAdded() throws {
        let devices = try resolve(
            Self.guest("q35") {
                var disk = Self.disk("vda", .virtio)
                disk.address = PCIAddress(bus: 4, slot: 0).map { .pci($0) }
                $0.devices.disks = [disk]
            }
        ).devices
        #expect(Set(devices.controllers.compactMap { $0.pci == nil ? nil : $0.index }) == [0, 1, 2, 3, 4])
    }

    @Test func drivesGoWhereTheirNamesSay() throws {
        let devices = try resolve(
            Self.guest("pc") {
                $0.devices.disks = [
                    Self.disk("hdc", .ide), Self.disk("hda", .ide), Self.disk("sda", .scsi), Self.disk("sdi", .scsi),
                    Self.disk("sdb", .sata), Self.disk("sdh", .sata),
                ]
            }
        ).devices
        func place(_ index: Int) -> String {
            let drive = devices.disks[index].address?.drive
            return drive.map { "\($0.controller):\($0.bus):\($0.target):\($0.unit)" } ?? "-"
        }
        #expect((0..<6).map(place) == ["0:1:0:0", "0:0:0:0", "0:0:0:0", "1:0:0:1", "0:0:0:1", "1:0:0:1"])
        let kinds = devices.controllers.map { "\($0.typeName) \($0.index ?? 99)" }.sorted()
        #expect(kinds == ["ide 0", "pci 0", "sata 0", "sata 1", "scsi 0", "scsi 1", "usb 0"])
    }

    @Test func serialPortsConsolesAndChannels() throws {
        let devices = try resolve(
            Self.guest("q35") {
                $0.devices.consoles = [
                    ConsoleDefinition(.init(.pty(path: nil))), ConsoleDefinition(.init(.null), target: .virtio),
                ]
                $0.devices.channels = (0..<40).map {
                    ChannelDefinition(.init(.unix(path: nil, mode: .bind)), name: "c\($0)")
                }
            }
        ).devices
        #expect(devices.serials.map(\.port) == [0])
        #expect(devices.consoles.map(\.port) == [0, 1])
        #expect(devices.consoles[1].address == VirtioSerialAddress(port: 0))
        #expect(devices.channels.first?.address == VirtioSerialAddress(port: 1))
        #expect(devices.channels.last?.address == VirtioSerialAddress(controller: 1, port: 10))
        #expect(devices.controllers.count { $0.typeName == "virtio-serial" } == 2)
    }

    @Test func secureFirmwareBringsSMM() throws {
        let resolved = try resolve(
            Self.guest("q35") {
                $0.os.firmware = .efi
                $0.features = FeaturesDefinition()
                $0.features?.acpi = true
            })
        #expect(resolved.os.loader?.path == "/usr/share/OVMF/OVMF_CODE_4M.ms.fd")
        #expect(resolved.os.loader?.isSecure == true)
        #expect(resolved.features?.smm == true)
        #expect(resolved.os.nvram?.path == "/var/lib/lodge/nvram/g_VARS.fd")
        #expect(resolved.os.nvram?.template == "/usr/share/OVMF/OVMF_VARS_4M.ms.fd")
    }
}
