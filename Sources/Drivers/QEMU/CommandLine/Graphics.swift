import LodgeCore

/// VNC servers and audio back ends.
extension CommandLine {
    mutating func writeGraphics() throws(LodgeError) {
        for (index, graphics) in devices.graphics.enumerated() {
            switch graphics {
            case .vnc(let vnc): try writeVNC(vnc, index)
            }
        }
    }

    private mutating func writeVNC(_ vnc: VNCDefinition, _ index: Int) throws(LodgeError) {
        let target: String
        switch vnc.listen {
        case .address(let address):
            guard let port = inputs.vncPorts[index] ?? vnc.port else {
                throw LodgeError(
                    .invalidState, "no port was chosen for its VNC server",
                    object: ObjectReference(.domain, definition.name))
            }
            let host = address ?? "127.0.0.1"
            target = "\(host.contains(":") ? "[\(host)]" : host):\(Int(port) - 5900)"
        case .socket(let path): target = "unix:\(path ?? "\(inputs.runDirectory)/vnc\(index).sock")"
        case .none: target = "none"
        }
        list.add("-vnc", target, [("share", vnc.sharePolicy?.rawValue)])
        if let keymap = vnc.keymap { list.add("-k", keymap) }
    }

    mutating func writeAudio(_ audio: AudioDefinition) {
        list.add("-audiodev", ["id": .string("audio\(audio.id)"), "driver": .string(audio.kind.rawValue)])
    }
}
