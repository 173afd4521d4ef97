/// What one QEMU binary can do, as far as Lodge decides on it.
public struct QEMUCapabilities: Sendable, Hashable {
    public struct Version: Sendable, Hashable, Comparable, CustomStringConvertible {
        public var major: Int
        public var minor: Int
        public var micro: Int

        public init(_ major: Int, _ minor: Int, _ micro: Int = 0) {
            self.major = major
            self.minor = minor
            self.micro = micro
        }

        public var description: String { "\(major).\(minor).\(micro)" }

        public static func < (one: Version, other: Version) -> Bool {
            (one.major, one.minor, one.micro) < (other.major, other.minor, other.micro)
        }
    }

    public struct Machine: Sendable, Hashable {
        /// The versioned name: `pc-q35-7.2`.
        public var name: String
        /// `q35`, where the machine has a second name.
        public var alias: String?
        public var isDefault: Bool
        public var maximumCPUs: Int

        public init(_ name: String, alias: String? = nil, isDefault: Bool = false, maximumCPUs: Int) {
            self.name = name
            self.alias = alias
            self.isDefault = isDefault
            self.maximumCPUs = maximumCPUs
        }
    }

    /// The oldest QEMU whose command line Lodge speaks: Debian 12's. Older ones differ in `-action` and `hpet=off`.
    public static let oldestVersion = Version(7, 2)

    /// Absolute path of the binary.
    public var binary: String
    public var version: Version
    /// The packager's own version text, empty when there is none.
    public var package: String
    public var machines: [Machine]
    /// Those of ``knownDevices`` that the binary has.
    public var devices: Set<String>
    /// Names for `-cpu`.
    public var cpuModels: Set<String>

    public init(
        binary: String, version: Version, package: String = "", machines: [Machine], devices: Set<String>,
        cpuModels: Set<String>
    ) {
        self.binary = binary
        self.version = version
        self.package = package
        self.machines = machines
        self.devices = devices
        self.cpuModels = cpuModels
    }

    /// The machine of this name or second name.
    public func machine(_ name: String) -> Machine? {
        machines.first { $0.name == name } ?? machines.first { $0.alias == name }
    }

    /// For errors: `QEMU 7.2.22 (/usr/bin/qemu-system-x86_64)`.
    var title: String { "QEMU \(version) (\(binary))" }
}

extension QEMUCapabilities {
    /// Every device that a command line of ours can name.
    public static let knownDevices: Set<String> = [
        "VGA", "ahci", "bochs-display", "cirrus-vga", "e1000", "e1000e", "i82801b11-bridge", "ich9-usb-ehci1",
        "ich9-usb-uhci1", "ich9-usb-uhci2", "ich9-usb-uhci3", "ide-cd", "ide-hd", "igb", "ioh3420", "isa-serial",
        "lsi53c895a", "megasas", "mptsas1068", "ne2k_pci", "nec-usb-xhci", "pci-bridge", "pci-ohci", "pci-serial",
        "pcie-pci-bridge", "pcie-root-port", "pcnet", "piix3-usb-uhci", "piix4-usb-uhci", "qemu-xhci", "ramfb",
        "rtl8139", "scsi-cd", "scsi-hd", "secondary-vga", "sga", "usb-ehci", "usb-kbd", "usb-mouse", "usb-tablet",
        "virtconsole", "virtio-balloon-pci", "virtio-blk-pci", "virtio-gpu-pci", "virtio-keyboard-pci",
        "virtio-mouse-pci", "virtio-net-pci", "virtio-rng-pci", "virtio-scsi-pci", "virtio-serial-pci",
        "virtio-tablet-pci", "virtio-vga", "virtserialport", "vmxnet3",
    ]
}
