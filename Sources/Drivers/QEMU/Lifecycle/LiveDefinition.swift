import LodgeCore

/// What a running guest's definition tells beyond the kept one: terminals, sockets, ports.
extension DomainDefinition {
    mutating func setVNCPort(_ port: UInt16, at index: Int) {
        guard devices.graphics.indices.contains(index), case .vnc(var vnc) = devices.graphics[index] else { return }
        vnc.port = port
        devices.graphics[index] = .vnc(vnc)
    }

    /// - Parameter terminals: the path of each terminal, by its chardev.
    mutating func setTerminals(_ terminals: [String: String], runDirectory: String) {
        func settle(_ backend: inout CharacterBackend, _ name: String) {
            switch backend.source {
            case .pty: backend.source = .pty(path: terminals["char\(name)"])
            case .unix(nil, let mode): backend.source = .unix(path: "\(runDirectory)/\(name).sock", mode: mode)
            case .unix, .file, .tcp, .null: break
            }
        }
        for index in devices.serials.indices {
            let name = devices.serials[index].alias ?? "serial\(index)"
            devices.serials[index].alias = name
            settle(&devices.serials[index].backend, name)
        }
        for index in devices.consoles.indices {
            // The first console of a guest with a serial port is that port.
            guard devices.consoles[index].target == .virtio else {
                if let first = devices.serials.first {
                    devices.consoles[index].backend = first.backend
                    devices.consoles[index].alias = first.alias
                }
                continue
            }
            let name = devices.consoles[index].alias ?? "console\(index)"
            devices.consoles[index].alias = name
            settle(&devices.consoles[index].backend, name)
        }
        for index in devices.channels.indices {
            let name = devices.channels[index].alias ?? "channel\(index)"
            devices.channels[index].alias = name
            settle(&devices.channels[index].backend, name)
        }
    }
}

extension CharacterBackend {
    /// The back end's name in XML, and what of the host it leads to.
    var report: (type: String, path: String?) {
        switch source {
        case .pty(let path): ("pty", path)
        case .file(let path, _): ("file", path)
        case .unix(let path, _): ("unix", path)
        case .tcp(let host, let service, _, _): ("tcp", "\(host):\(service)")
        case .null: ("null", nil)
        }
    }
}
