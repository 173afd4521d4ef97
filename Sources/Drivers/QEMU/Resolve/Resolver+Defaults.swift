import LodgeCore

extension Resolver {
    /// What libvirt adds to every x86 guest.
    mutating func addDefaultDevices() {
        definition.currentMemory = definition.currentMemory ?? definition.memory
        if definition.os.bootDevices.isEmpty, definition.devices.bootOrders.isEmpty {
            definition.os.bootDevices = [.hd]
        }
        for index in definition.devices.interfaces.indices where definition.devices.interfaces[index].model == nil {
            let order: [InterfaceDefinition.Model] = [.rtl8139, .e1000, .virtio]
            definition.devices.interfaces[index].model = order.first {
                capabilities.devices.contains(CommandLine.driver($0))
            }
        }
        // The PS/2 controller is part of the machine.
        for kind in [InputDefinition.Kind.mouse, .keyboard]
        where !definition.devices.inputs.contains(where: { $0.kind == kind && $0.bus == .ps2 }) {
            definition.devices.inputs.append(InputDefinition(kind, bus: .ps2))
        }
        if !definition.devices.graphics.isEmpty, definition.devices.videos.isEmpty {
            definition.devices.videos = [VideoDefinition(capabilities.devices.contains("VGA") ? .vga : .virtio)]
        }
        if definition.devices.videos.contains(where: { $0.model == .none }), definition.devices.videos.count > 1 {
            refuse("<model type='none'/> beside another <video>", .invalidXML, hint: "remove one of them")
        }
        choosePrimaryVideo()
        definition.devices.memoryBalloon = definition.devices.memoryBalloon ?? MemoryBalloonDefinition(.virtio)
        joinConsoleAndSerial()
    }

    private mutating func choosePrimaryVideo() {
        let primaries = definition.devices.videos.indices.filter { definition.devices.videos[$0].isPrimary == true }
        if primaries.count > 1 {
            refuse("more than one primary <video>", .invalidXML, hint: "keep primary='yes' in one of them")
        } else if primaries.isEmpty, !definition.devices.videos.isEmpty {
            definition.devices.videos[0].isPrimary = true
        }
        // QEMU's first display is the primary one.
        if let primary = primaries.first, primary != 0 {
            let video = definition.devices.videos.remove(at: primary)
            definition.devices.videos.insert(video, at: 0)
        }
    }

    /// The first console is another name of the first serial port, as in libvirt.
    private mutating func joinConsoleAndSerial() {
        if definition.devices.serials.isEmpty, let console = definition.devices.consoles.first,
            console.target == .serial
        {
            var serial = SerialDefinition(console.backend, port: 0)
            serial.target = .isa
            definition.devices.serials = [serial]
        } else if definition.devices.consoles.isEmpty, let serial = definition.devices.serials.first {
            definition.devices.consoles = [ConsoleDefinition(serial.backend, target: .serial, port: 0)]
        } else if let serial = definition.devices.serials.first,
            definition.devices.consoles.first?.target == .serial
        {
            definition.devices.consoles[0].backend = serial.backend
        }
        for index in definition.devices.consoles.indices {
            if index > 0, definition.devices.consoles[index].target == .serial {
                refuse(
                    "only the first <console> can be a serial port",
                    hint: "<target type='virtio'/> would work, or a second <serial>")
            }
            definition.devices.consoles[index].port = definition.devices.consoles[index].port ?? UInt8(clamping: index)
        }
    }
}
