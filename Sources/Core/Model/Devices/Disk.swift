/// A disk or CD-ROM drive: `<disk>`.
public struct DiskDefinition: Sendable, Hashable {
    public enum Device: String, XMLValue, CaseIterable, Sendable {
        case disk, cdrom

        public static var refused: [String: String] {
            [
                "floppy": "device='cdrom' or device='disk' would work",
                "lun": "device='disk' with a <source dev='…'/> gives the guest the block device as a plain disk",
            ]
        }
    }

    public enum Bus: String, XMLValue, CaseIterable, Sendable {
        case virtio, sata, ide, scsi

        public static var refused: [String: String] {
            let hint = "bus='virtio', 'sata', 'scsi' or 'ide' would work"
            return ["usb": hint, "fdc": hint, "xen": hint, "sd": hint, "uml": hint]
        }
    }

    public enum Format: String, XMLValue, CaseIterable, Sendable {
        case raw, qcow2

        public static var refused: [String: String] {
            let hint = "convert the image: qemu-img convert -O qcow2 OLD NEW"
            return [
                "qed": hint, "qcow": hint, "vmdk": hint, "vdi": hint, "vhd": hint, "vpc": hint, "vhdx": hint,
                "cow": hint, "cloop": hint, "dmg": hint, "bochs": hint, "parallels": hint, "ploop": hint,
            ]
        }
    }

    public enum Cache: String, XMLValue, CaseIterable, Sendable {
        case `default`, none, writeback, writethrough, directsync, unsafe
    }

    /// How QEMU submits I/O: `io='…'`.
    public enum IO: String, XMLValue, CaseIterable, Sendable {
        case threads, native
        case ioUring = "io_uring"
    }

    public enum Discard: String, XMLValue, CaseIterable, Sendable {
        case unmap, ignore
    }

    public enum DetectZeroes: String, XMLValue, CaseIterable, Sendable {
        case off, on, unmap
    }

    /// What an I/O error does: `enospace` pauses on a full disk and reports the rest.
    public enum ErrorPolicy: String, XMLValue, CaseIterable, Sendable {
        case stop, report, ignore, enospace
    }

    public enum ReadErrorPolicy: String, XMLValue, CaseIterable, Sendable {
        case stop, report, ignore
    }

    public struct Driver: Sendable, Hashable {
        /// The format of the image; `nil` means raw, as in libvirt: a guest could write another format's header.
        public var format: Format?
        public var cache: Cache?
        public var io: IO?
        public var discard: Discard?
        public var detectZeroes: DetectZeroes?
        public var errorPolicy: ErrorPolicy?
        public var readErrorPolicy: ReadErrorPolicy?
        /// Number of the `<iothreads>` thread that serves the disk, from 1.
        public var ioThread: UInt32?
        /// Virtio queues.
        public var queues: UInt16?

        public init() {}
    }

    public enum Source: Sendable, Hashable {
        case file(String)
        case block(String)

        public var path: String {
            switch self {
            case .file(let path), .block(let path): path
            }
        }
    }

    public var device: Device
    public var driver: Driver?
    /// `nil` is a drive without a medium.
    public var source: Source?
    /// An empty `<backingStore/>`: the image is used without what it names as its backing file.
    public var endsBackingChain: Bool
    /// The name that orders disks of a bus: `vda`, `sdb`.
    public var target: String
    public var bus: Bus
    public var isReadOnly: Bool
    public var isShareable: Bool
    public var serial: String?
    /// Place in the boot order, from 1.
    public var bootOrder: UInt16?
    public var alias: String?
    /// PCI for virtio, drive for the other buses; `nil` when no place is assigned yet.
    public var address: DeviceAddress?

    public init(device: Device = .disk, source: Source?, target: String, bus: Bus) {
        self.device = device
        driver = nil
        self.source = source
        endsBackingChain = false
        self.target = target
        self.bus = bus
        isReadOnly = device == .cdrom
        isShareable = false
    }

    /// The format that the image is opened as.
    public var format: Format { driver?.format ?? .raw }
}

// MARK: - XML

extension DiskDefinition {
    private enum Kind: String, XMLValue, CaseIterable {
        case file, block

        static var refused: [String: String] {
            let hint = "type='file' or type='block' would work"
            return ["dir": hint, "network": hint, "volume": hint, "nvme": hint, "vhostuser": hint, "vhostvdpa": hint]
        }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        // What these decide is all the rest, so nothing is read after a value that is not known.
        let kind: Kind = reader.hasAttribute("type") ? try reader.required("type") : .file
        device = reader.hasAttribute("device") ? try reader.required("device") : .disk
        driver = reader.child("driver", Driver.init)
        let sourceElement = reader.child("source")
        source = sourceElement?.collect { source throws(LodgeError) in
            // A number that libvirt gives the image of a running guest; it means nothing in a definition.
            _ = source.attribute("index", as: UInt32.self)
            switch kind {
            case .file:
                _ = try source.required("file")
                return source.path("file").map(Source.file)
            case .block:
                _ = try source.required("dev")
                return source.path("dev").map(Source.block)
            }
        }
        endsBackingChain = Self.readBackingStore(reader)
        guard let target = reader.child("target") else {
            throw reader.error("<disk> has no <target>", hint: "add <target dev='vda' bus='virtio'/>")
        }
        self.target = try target.required("dev")
        guard Self.isTargetName(self.target) else {
            throw target.error(
                "'\(excerpt(self.target))' is not a disk's target name", hint: "use names like vda, sda or hda",
                attribute: "dev")
        }
        if let bus = target.attribute("bus", as: Bus.self) {
            self.bus = bus
        } else if let bus = Self.bus(of: self.target) {
            self.bus = bus
        } else {
            throw target.error("<target> has no bus that works", hint: "add bus='virtio'")
        }
        isReadOnly = reader.flag("readonly") || device == .cdrom
        isShareable = reader.flag("shareable")
        serial = reader.child("serial") { element throws(LodgeError) in
            let text = element.text()
            guard PlainName.isPlain(text, and: "+ ") else {
                throw element.error(
                    "'\(excerpt(text))' is not a disk's serial number",
                    hint: "use letters, digits, blanks, '-', '_', '.' and '+'")
            }
            return text
        }
        bootOrder = reader.bootOrder()
        alias = reader.alias()
        address = bus == .virtio ? reader.address(.pci) : reader.address(.drive)
        if sourceElement == nil, device == .disk {
            reader.record(
                "a disk without <source>", hint: "add <source file='…'/>; only a CD-ROM drive can be empty")
        }
        if bus == .virtio, device == .cdrom {
            reader.record(
                "a CD-ROM drive cannot be on bus='virtio'", hint: "bus='sata' or bus='scsi' would work")
        }
    }

    /// An empty element ends the chain; with content it repeats what the image says of itself.
    private static func readBackingStore(_ reader: ElementReader) -> Bool {
        guard let element = reader.child("backingStore") else { return false }
        if element.hasContent {
            element.refuse(
                "<backingStore> with content is not supported",
                hint: "remove it: the image names its backing file; 'virsh dumpxml --inactive' leaves it out")
        }
        return true
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("disk") { writer in
            var kind = Kind.file
            if case .block = source { kind = .block }
            writer.attribute("type", kind)
            writer.attribute("device", device)
            driver?.write(to: &writer)
            switch source {
            case .file(let path): writer.element("source", "file", path)
            case .block(let path): writer.element("source", "dev", path)
            case nil: break
            }
            writer.flag("backingStore", endsBackingChain)
            writer.element("target") {
                $0.attribute("dev", target)
                $0.attribute("bus", bus)
            }
            writer.flag("readonly", isReadOnly)
            writer.flag("shareable", isShareable)
            writer.element("serial", text: serial)
            writer.bootOrder(bootOrder)
            writer.alias(alias)
            writer.address(address)
        }
    }

    /// The bus that libvirt reads from a target name when none is given.
    private static func bus(of target: String) -> Bus? {
        switch target.prefix(2) {
        case "vd": .virtio
        case "sd": .scsi
        case "hd": .ide
        default: nil
        }
    }

    /// One of the usual prefixes and letters behind it, as libvirt's schema has it but for partitions.
    private static func isTargetName(_ name: String) -> Bool {
        guard ["vd", "sd", "hd"].contains(name.prefix(2)), (3...16).contains(name.utf8.count) else { return false }
        return name.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
    }
}

extension DiskDefinition.Driver {
    init(_ reader: ElementReader) throws(LodgeError) {
        if let name = reader.attribute("name"), name != "qemu" {
            throw reader.error(
                "the disk driver '\(excerpt(name))' is not supported", code: .unsupported, hint: "use name='qemu'",
                attribute: "name")
        }
        format = reader.attribute("type")
        cache = reader.attribute("cache")
        io = reader.attribute("io")
        discard = reader.attribute("discard")
        detectZeroes = reader.attribute("detect_zeroes")
        errorPolicy = reader.attribute("error_policy")
        readErrorPolicy = reader.attribute("rerror_policy")
        ioThread = reader.attribute("iothread", in: 1...UInt32.max)
        queues = reader.attribute("queues", in: 1...UInt16(1024))
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("driver") {
            $0.attribute("name", "qemu")
            $0.attribute("type", format)
            $0.attribute("cache", cache)
            $0.attribute("error_policy", errorPolicy)
            $0.attribute("rerror_policy", readErrorPolicy)
            $0.attribute("io", io)
            $0.attribute("discard", discard)
            $0.attribute("iothread", ioThread)
            $0.attribute("detect_zeroes", detectZeroes)
            $0.attribute("queues", queues)
        }
    }
}
