import LodgeCore

/// Serial ports, consoles and channels, and what each is connected to on the host.
extension CommandLine {
    mutating func writeCharacterDevices() throws(LodgeError) {
        for (index, serial) in devices.serials.enumerated() {
            let name = serial.alias ?? "serial\(index)"
            writeBackend(serial.backend, name)
            var port: [String: JSONValue?] = ["driver": "isa-serial", "index": .count(serial.port)]
            if serial.target == .pci {
                port = try place(serial.address, "the serial port \(index)").with(["driver": "pci-serial"])
            }
            list.add("-device", port.with(["id": .string(name), "chardev": .string("char\(name)")]))
        }
        for (index, console) in devices.consoles.enumerated() where console.target == .virtio {
            let name = console.alias ?? "console\(index)"
            writeBackend(console.backend, name)
            list.add(
                "-device",
                try port(console.address, "the console \(index)").with([
                    "driver": "virtconsole", "id": .string(name), "chardev": .string("char\(name)"),
                ]))
        }
        for (index, channel) in devices.channels.enumerated() {
            let name = channel.alias ?? "channel\(index)"
            writeBackend(channel.backend, name)
            list.add(
                "-device",
                try port(channel.address, "the channel '\(channel.name)'").with([
                    "driver": "virtserialport", "id": .string(name), "chardev": .string("char\(name)"),
                    "name": .string(channel.name),
                ]))
        }
    }

    private func port(_ address: VirtioSerialAddress?, _ what: String) throws(LodgeError) -> [String: JSONValue?] {
        guard let address else {
            throw LodgeError(
                .invalidState, "\(what) has no virtio-serial address",
                object: ObjectReference(.domain, definition.name))
        }
        return ["bus": .string("virtio-serial\(address.controller).\(address.bus)"), "nr": .count(address.port)]
    }

    /// The number of a socket in the guest's run directory that listens before QEMU exists: QEMU itself could not make
    /// one at a path longer than 107 bytes.
    private mutating func listener(_ name: String) -> CInt {
        let number = LaunchPlan.Descriptor.firstTap + CInt(clamping: taps.count + sockets.count)
        sockets.append(LaunchPlan.Socket(path: "\(inputs.runDirectory)/\(name).sock", target: number))
        return number
    }

    private mutating func writeBackend(_ backend: CharacterBackend, _ name: String) {
        let id = "char\(name)"
        let log: [(key: String, value: String?)] = [
            ("logfile", backend.log?.file), ("logappend", backend.log?.append?.onOff),
        ]
        func mode(_ mode: CharacterBackend.SocketMode) -> [(key: String, value: String?)] {
            mode == .bind ? [("server", "on"), ("wait", "off")] : [("reconnect", "1")]
        }
        switch backend.source {
        case .pty:
            terminals.insert(id)
            list.add("-chardev", "pty", [("id", id)] + log)
        case .file(let path, let append):
            list.add("-chardev", "file", [("id", id), ("path", path), ("append", append?.onOff)] + log)
        case .unix(nil, .bind):
            list.add("-chardev", "socket", [("id", id), ("fd", "\(listener(name))")] + mode(.bind) + log)
        case .unix(let path, let direction):
            list.add(
                "-chardev", "socket",
                [("id", id), ("path", path ?? "\(inputs.runDirectory)/\(name).sock")] + mode(direction) + log)
        case .tcp(let host, let service, let direction, let transport):
            list.add(
                "-chardev", "socket",
                [
                    ("id", id), ("host", host), ("port", service),
                    ("telnet", transport == .telnet ? "on" : nil),
                ] + mode(direction) + log)
        case .null: list.add("-chardev", "null", [("id", id)] + log)
        }
    }
}
