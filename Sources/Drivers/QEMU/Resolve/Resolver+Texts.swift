import LodgeCore

extension Resolver {
    /// The longest path that fits a Unix socket's address with its final zero (unix(7)).
    static let socketPathLimit = 107

    /// Refuses texts that QEMU would cut, or cannot hold, rather than let a guest see another one.
    mutating func checkTexts() {
        for disk in definition.devices.disks {
            if let serial = disk.serial {
                // Twenty bytes are what ATA and virtio have room for; a SCSI disk's is a string of its own.
                let limit = disk.bus == .scsi ? 36 : 20
                if serial.utf8.count > limit {
                    refuse(
                        "the serial number of the disk '\(disk.target)' is longer than the \(limit) bytes that "
                            + "bus='\(disk.bus.rawValue)' has room for", hint: "shorten it to \(limit) bytes")
                }
                checkText(serial, "the serial number of the disk '\(disk.target)'")
            }
            if let path = disk.source?.path { checkText(path, "the path of the disk '\(disk.target)'") }
        }
        for channel in definition.devices.channels {
            checkText(channel.name, "the name of a <channel>")
        }
        for (what, backend) in backends { checkBackend(backend, what) }
        checkText(definition.os.loader?.path, "the path of the <loader>")
        checkText(definition.os.nvram?.path, "the path of the <nvram>")
        for rng in definition.devices.rngs {
            if case .random(let path) = rng.backend { checkText(path, "the path of an <rng>'s <backend>") }
        }
        if let line = definition.os.commandLine, line.utf8.count > 2047 {
            refuse("<cmdline> is longer than the 2047 bytes that a kernel reads", hint: "shorten it")
        }
        for graphics in definition.devices.graphics {
            guard case .vnc(let vnc) = graphics else { continue }
            if case .socket(let path?) = vnc.listen { checkSocket(path, "<listen type='socket'>") }
            if case .address(let address?) = vnc.listen, !Self.isHost(address) {
                refuse("'\(address)' is not an address for VNC to listen on", .invalidXML, hint: "use 127.0.0.1 or ::1")
            }
        }
    }

    private var backends: [(String, CharacterBackend)] {
        var all = definition.devices.serials.map { ("a <serial>", $0.backend) }
        all += definition.devices.consoles.filter { $0.target == .virtio }.map { ("a <console>", $0.backend) }
        all += definition.devices.channels.map { ("the <channel> '\($0.name)'", $0.backend) }
        return all
    }

    private mutating func checkBackend(_ backend: CharacterBackend, _ what: String) {
        switch backend.source {
        case .unix(let path?, _): checkSocket(path, what)
        case .tcp(let host, let service, _, _):
            if !Self.isHost(host) { refuse("'\(host)' as host of \(what) is not a host's name", .invalidXML) }
            if UInt16(service) == nil {
                refuse("'\(service)' as service of \(what) is not a port's number", hint: "use a number, 1 to 65535")
            }
        case .pty, .file, .unix, .null: break
        }
    }

    private mutating func checkSocket(_ path: String, _ what: String) {
        if path.utf8.count > Self.socketPathLimit {
            refuse(
                "the socket's path of \(what) has \(path.utf8.count) bytes, \(Self.socketPathLimit) is the most",
                hint: "use a shorter path")
        }
    }

    /// Letters, digits and what names and numeric addresses have beside them.
    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
                    UInt8(ascii: "_"), UInt8(ascii: "%"):
                    true
                default: false
                }
            }
    }

    /// QEMU's JSON refuses code points that Unicode sets aside as no characters.
    private mutating func checkText(_ text: String?, _ what: String) {
        let isHeld =
            text?.unicodeScalars.allSatisfy { scalar in
                scalar.value & 0xFFFE != 0xFFFE && !(0xFDD0...0xFDEF).contains(scalar.value)
            } ?? true
        if !isHeld {
            refuse("\(what) has a code point that is no character, which QEMU cannot hold", hint: "leave it out")
        }
    }
}
