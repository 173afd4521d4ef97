/// All devices of a domain, by family: `<devices>`.
public struct DevicesDefinition: Sendable, Hashable {
    /// Path of the QEMU binary; `nil`: the usual one for the guest's architecture.
    public var emulator: String?
    public var disks: [DiskDefinition] = []
    public var controllers: [ControllerDefinition] = []
    public var interfaces: [InterfaceDefinition] = []
    public var serials: [SerialDefinition] = []
    public var consoles: [ConsoleDefinition] = []
    public var channels: [ChannelDefinition] = []
    public var inputs: [InputDefinition] = []
    public var graphics: [GraphicsDefinition] = []
    public var audios: [AudioDefinition] = []
    public var videos: [VideoDefinition] = []
    /// `nil`: not said, which gives the guest a virtio one.
    public var memoryBalloon: MemoryBalloonDefinition?
    public var rngs: [RNGDefinition] = []

    public init() {}

    /// Every PCI address that is assigned, in no particular order.
    public var pciAddresses: [PCIAddress] {
        var all: [PCIAddress?] = []
        all += disks.map { $0.address?.pci }
        all += controllers.map(\.address)
        all += interfaces.map(\.address)
        all += serials.map(\.address)
        all += inputs.map { $0.address?.pci }
        all += videos.map(\.address)
        all += rngs.map(\.address)
        all.append(memoryBalloon?.address)
        return all.compactMap { $0 }
    }

    /// Every boot order that is given.
    public var bootOrders: [UInt16] { (disks.map(\.bootOrder) + interfaces.map(\.bootOrder)).compactMap { $0 } }
}

// MARK: - XML

extension DevicesDefinition {
    init(_ reader: ElementReader) {
        var seen = SeenOnce()
        emulator = reader.child("emulator")?.pathText()
        for element in reader.elements {
            let read: Bool
            switch element.name {
            case "disk":
                read = element.append(to: &disks, DiskDefinition.init)
                if read, let disk = disks.last {
                    seen.target(disk, element)
                    seen.place(disk.address, on: disk.bus.rawValue, element)
                    seen.common(alias: disk.alias, bootOrder: disk.bootOrder, pci: disk.address?.pci, element)
                }
            case "controller":
                read = element.append(to: &controllers, ControllerDefinition.init)
                if read, let controller = controllers.last {
                    seen.controller(controller, element)
                    seen.common(alias: controller.alias, pci: controller.address, element)
                }
            case "interface":
                read = element.append(to: &interfaces, InterfaceDefinition.init)
                if read, let interface = interfaces.last {
                    seen.link(interface, element)
                    seen.common(
                        alias: interface.alias, bootOrder: interface.bootOrder, pci: interface.address, element)
                }
            case "serial":
                read = element.append(to: &serials, SerialDefinition.init)
                if read, let serial = serials.last {
                    seen.common(alias: serial.alias, pci: serial.address, element)
                }
            case "console":
                // The first console of type serial shares the alias of the serial port that it names.
                _ = element.append(to: &consoles, ConsoleDefinition.init)
            case "channel":
                read = element.append(to: &channels, ChannelDefinition.init)
                if read, let channel = channels.last { seen.common(alias: channel.alias, element) }
            case "input":
                read = element.append(to: &inputs, InputDefinition.init)
                if read, let input = inputs.last {
                    seen.common(alias: input.alias, pci: input.address?.pci, element)
                }
            case "graphics": _ = element.append(to: &graphics, GraphicsDefinition.init)
            case "audio": _ = element.append(to: &audios, AudioDefinition.init)
            case "video":
                read = element.append(to: &videos, VideoDefinition.init)
                if read, let video = videos.last { seen.common(alias: video.alias, pci: video.address, element) }
            case "rng":
                read = element.append(to: &rngs, RNGDefinition.init)
                if read, let rng = rngs.last { seen.common(alias: rng.alias, pci: rng.address, element) }
            default: break
            }
        }
        memoryBalloon = reader.child("memballoon") { element throws(LodgeError) in
            let balloon = try MemoryBalloonDefinition(element)
            seen.common(alias: balloon.alias, pci: balloon.address, element)
            return balloon
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("devices") { writer in
            writer.element("emulator", text: emulator)
            for disk in disks { disk.write(to: &writer) }
            for controller in controllers { controller.write(to: &writer) }
            for interface in interfaces { interface.write(to: &writer) }
            for serial in serials { serial.write(to: &writer) }
            for console in consoles { console.write(to: &writer) }
            for channel in channels { channel.write(to: &writer) }
            for input in inputs { input.write(to: &writer) }
            for graphic in graphics { graphic.write(to: &writer) }
            for audio in audios { audio.write(to: &writer) }
            for video in videos { video.write(to: &writer) }
            memoryBalloon?.write(to: &writer)
            for rng in rngs { rng.write(to: &writer) }
        }
    }
}

extension ElementReader {
    /// Takes this element, reads it, and puts the value at the end of a list.
    fileprivate func append<Value>(
        to list: inout [Value], _ read: (ElementReader) throws(LodgeError) -> Value
    ) -> Bool {
        take()
        guard let value = collect(read) else { return false }
        list.append(value)
        return true
    }
}
