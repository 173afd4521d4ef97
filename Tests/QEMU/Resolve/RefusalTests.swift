import LodgeCore
import Testing

@testable import LodgeQEMU

/// What cannot work is refused with the element's name and what would.
@Suite struct RefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var says: String
        var hint: String
        var machine = "q35"
        var change: @Sendable (inout DomainDefinition) -> Void
        var testDescription: String { says }
    }

    static let cases: [Case] = [
        Case(says: "no machine type 'pc-q35-99.0'", hint: "machine='q35' (pc-q35-7.2)", machine: "pc-q35-99.0") { _ in
        },
        Case(says: "'microvm' is not supported", hint: "machine='q35'", machine: "microvm") { _ in },
        Case(says: "at most 255 virtual processors", hint: "<vcpu>255</vcpu>") { $0.vcpu = VCPUDefinition(256) },
        Case(says: "needs type='kvm'", hint: "mode='maximum'") { $0.cpu = CPUDefinition(mode: .hostPassthrough) },
        Case(says: "no processor model 'Pentium9'", hint: "maximum") {
            $0.cpu = CPUDefinition(mode: .custom, model: "Pentium9")
        },
        Case(says: "policy='forbid'", hint: "disable") {
            $0.cpu = CPUDefinition(mode: .maximum)
            $0.cpu?.features = [.init("svm", .forbid)]
        },
        Case(says: "<ioapic driver='kvm'/>", hint: "driver='qemu'") {
            $0.features = FeaturesDefinition()
            $0.features?.ioapic = .kvm
        },
        Case(says: "<hyperv> needs type='kvm'", hint: "remove it") {
            $0.features = FeaturesDefinition()
            $0.features?.hyperV = HyperVDefinition()
        },
        Case(says: "bus='ide', which a q35 machine has not", hint: "bus='sata'") {
            $0.devices.disks = [PlacementTests.disk("hda", .ide)]
        },
        Case(says: "read-only", hint: "virtio") {
            var disk = PlacementTests.disk("sda", .sata)
            disk.isReadOnly = true
            $0.devices.disks = [disk]
        },
        Case(says: "io='native'", hint: "cache='none'") {
            var disk = PlacementTests.disk("vda", .virtio)
            disk.driver = DiskDefinition.Driver()
            disk.driver?.io = .native
            $0.devices.disks = [disk]
        },
        Case(says: "names I/O thread 2", hint: "<iothreads>2</iothreads>") {
            var disk = PlacementTests.disk("vda", .virtio)
            disk.driver = DiskDefinition.Driver()
            disk.driver?.ioThread = 2
            $0.devices.disks = [disk]
        },
        Case(says: "needs 'igb'", hint: "virtio") { $0.devices.interfaces = [PlacementTests.card(.igb)] },
        Case(says: "4 queues", hint: "queues='1'") {
            var card = PlacementTests.card(.virtio)
            card.driver = InterfaceDefinition.Driver()
            card.driver?.queues = 4
            $0.devices.interfaces = [card]
        },
        Case(says: "which its bus has not", hint: "slot 0x00") {
            var disk = PlacementTests.disk("vda", .virtio)
            disk.address = PCIAddress(bus: 1, slot: 3).map { .pci($0) }
            $0.devices.disks = [disk]
        },
        Case(says: "the chipset's", hint: "remove the <address>") {
            var disk = PlacementTests.disk("vda", .virtio)
            disk.address = PCIAddress(bus: 0, slot: 31, function: 3).map { .pci($0) }
            $0.devices.disks = [disk]
        },
        Case(says: "two devices at the PCI address", hint: "remove one") {
            let address = PCIAddress(bus: 0, slot: 5).map { DeviceAddress.pci($0) }
            $0.devices.disks = ["vda", "vdb"].map {
                var disk = PlacementTests.disk($0, .virtio)
                disk.address = address
                return disk
            }
        },
        Case(says: "plain PCI device", hint: "remove the <address>") {
            var card = PlacementTests.card(.rtl8139)
            card.address = PCIAddress(bus: 1, slot: 0)
            $0.devices.interfaces = [card]
        },
        Case(says: "multifunction='off'", hint: "multifunction='on'") {
            $0.devices.disks = [UInt8(0), 1].map { function in
                var disk = PlacementTests.disk(function == 0 ? "vda" : "vdb", .virtio)
                disk.address = PCIAddress(
                    bus: 0, slot: 5, function: function, multifunction: function == 0 ? false : nil
                ).map { .pci($0) }
                return disk
            }
        },
        Case(says: "has no 'pci-root'", hint: "pcie-root") {
            $0.devices.controllers = [ControllerDefinition(.pci(.init(.pciRoot)), index: 0)]
        },
        Case(says: "has no 'pcie-root-port'", hint: "q35", machine: "pc") {
            $0.devices.controllers = [ControllerDefinition(.pci(.init(.pcieRootPort)), index: 1)]
        },
        Case(says: "no free USB port", hint: "ports='15'") {
            $0.devices.inputs = (0..<5).map { _ in InputDefinition(.tablet, bus: .usb) }
        },
        Case(says: "no free USB port", hint: "virtio") {
            $0.devices.controllers = [ControllerDefinition(.usb(.init(.some(.none))), index: 0)]
            $0.devices.inputs = [InputDefinition(.tablet, bus: .usb)]
        },
        Case(says: "four serial ports", hint: "pci-serial") {
            $0.devices.serials = (0..<5).map { _ in SerialDefinition(.init(.null)) }
        },
        Case(says: "only the first <console>", hint: "virtio") {
            $0.devices.consoles = [ConsoleDefinition(.init(.null)), ConsoleDefinition(.init(.null))]
        },
        Case(says: "UEFI firmware needs ACPI", hint: "<acpi/>") { $0.os.firmware = .efi },
        Case(says: "no UEFI firmware on this host fits", hint: "relax", machine: "pc") {
            $0.os.firmware = .efi
            $0.os.firmwareFeatures = [.init(.secureBoot, isEnabled: true)]
        },
        Case(says: "<nvram> without", hint: "firmware='efi'") { $0.os.nvram = .init(path: "/n") },
        Case(says: "needs a q35 machine", hint: "q35", machine: "pc") {
            $0.features = FeaturesDefinition()
            $0.features?.acpi = true
            $0.os.loader = .init(path: "/l")
            $0.os.loader?.kind = .pflash
            $0.os.loader?.isSecure = true
        },
        Case(says: "more than one <graphics", hint: "keep one") {
            $0.devices.graphics = [.vnc(VNCDefinition()), .vnc(VNCDefinition())]
        },
    ]

    @Test(arguments: cases)
    func saysWhatAndWhatElse(_ refusal: Case) throws {
        let error = #expect(throws: LodgeError.self) {
            try PlacementTests.guest(refusal.machine, refusal.change).resolved(Fixtures.inputs(kvm: .missing))
        }
        let text = "\(try #require(error))"
        #expect(text.contains(refusal.says), "\(text)")
        #expect(text.contains(refusal.hint), "\(text)")
        #expect(text.contains("domain 'g'"))
    }

    @Test func everythingIsToldAtOnce() throws {
        let error = #expect(throws: LodgeError.self) {
            try PlacementTests.guest("q35") {
                $0.devices.disks = [PlacementTests.disk("hda", .ide), PlacementTests.disk("hdb", .ide)]
                $0.devices.interfaces = [PlacementTests.card(.igb)]
            }.resolved(Fixtures.inputs())
        }
        #expect(error?.others.count == 2)
    }

    @Test func anOlderQEMUIsToldSo() throws {
        var inputs = Fixtures.inputs()
        inputs.capabilities.version = .init(6, 2)
        let error = #expect(throws: LodgeError.self) { try PlacementTests.guest("q35").resolved(inputs) }
        #expect(error?.code == .missingDependency)
    }
}
