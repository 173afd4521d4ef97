/// What boots and on what machine: `<os>`.
public struct OSDefinition: Sendable, Hashable {
    public enum Architecture: String, XMLValue, CaseIterable, Sendable {
        case x86_64, i686

        public static var refused: [String: String] {
            var hints: [String: String] = [:]
            for name in ["aarch64", "armv7l", "ppc64", "ppc64le", "riscv64", "s390x", "loongarch64"] {
                hints[name] = "arch='x86_64' would work"
            }
            return hints
        }
    }

    /// The family of a machine type, by its name.
    public enum MachineFamily: Sendable, Hashable {
        case q35, i440fx, other
    }

    public enum Firmware: String, XMLValue, CaseIterable, Sendable {
        case bios, efi
    }

    /// A quality asked of a firmware that is chosen automatically.
    public struct FirmwareFeature: Sendable, Hashable {
        public enum Name: String, XMLValue, CaseIterable, Sendable {
            case enrolledKeys = "enrolled-keys"
            case secureBoot = "secure-boot"
        }

        public var name: Name
        public var isEnabled: Bool

        public init(_ name: Name, isEnabled: Bool) {
            self.name = name
            self.isEnabled = isEnabled
        }
    }

    public struct Loader: Sendable, Hashable {
        public enum Kind: String, XMLValue, CaseIterable, Sendable {
            case rom, pflash
        }

        /// `nil` with automatic firmware selection.
        public var path: String?
        public var isReadOnly: Bool?
        public var kind: Kind?
        public var isSecure: Bool?
        /// A firmware without a store for variables.
        public var isStateless: Bool?

        public init(path: String?) { self.path = path }
    }

    /// The file in which the guest's firmware keeps its variables.
    public struct NVRAM: Sendable, Hashable {
        /// `nil`: one is made for the guest.
        public var path: String?
        /// What a new file is filled with.
        public var template: String?

        public init(path: String? = nil, template: String? = nil) {
            self.path = path
            self.template = template
        }
    }

    public enum BootDevice: String, XMLValue, CaseIterable, Sendable {
        case hd, cdrom, network, fd
    }

    public struct BootMenu: Sendable, Hashable {
        public var isEnabled: Bool
        /// Milliseconds that the menu waits.
        public var timeout: UInt16?

        public init(isEnabled: Bool, timeout: UInt16? = nil) {
            self.isEnabled = isEnabled
            self.timeout = timeout
        }
    }

    public enum SMBIOSMode: String, XMLValue, CaseIterable, Sendable {
        case emulate

        public static var refused: [String: String] {
            ["host": "mode='emulate' would work", "sysinfo": "mode='emulate' would work; <sysinfo> is not supported"]
        }
    }

    public struct BIOS: Sendable, Hashable {
        /// Whether the BIOS speaks on the first serial port.
        public var usesSerial: Bool?
        /// Milliseconds until a guest that found nothing to boot is reset; -1 is never.
        public var rebootTimeout: Int32?

        public init() {}
    }

    /// `nil`: x86_64.
    public var architecture: Architecture?
    /// QEMU's name of the machine type, `q35` or `pc-i440fx-7.2`; `nil`: QEMU's default.
    public var machine: String?
    public var firmware: Firmware?
    public var firmwareFeatures: [FirmwareFeature] = []
    public var loader: Loader?
    public var nvram: NVRAM?
    public var kernel: String?
    public var initrd: String?
    public var commandLine: String?
    public var bootDevices: [BootDevice] = []
    public var bootMenu: BootMenu?
    public var smbiosMode: SMBIOSMode?
    public var bios: BIOS?

    public init(architecture: Architecture? = nil, machine: String? = nil) {
        self.architecture = architecture
        self.machine = machine
    }

    public var machineFamily: MachineFamily {
        guard let machine else { return .i440fx }
        if machine == "q35" || machine.hasPrefix("pc-q35-") { return .q35 }
        return machine == "pc" || machine.hasPrefix("pc-i440fx-") ? .i440fx : .other
    }
}
