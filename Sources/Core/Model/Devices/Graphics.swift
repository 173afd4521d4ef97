/// How a guest's screen is shown: `<graphics>`.
public enum GraphicsDefinition: Sendable, Hashable {
    case vnc(VNCDefinition)
}

/// A VNC server in QEMU.
public struct VNCDefinition: Sendable, Hashable {
    public enum Listen: Sendable, Hashable {
        /// On a TCP port of this address; `nil` is the loopback address.
        case address(String?)
        /// On a Unix socket; without a path one is made in the guest's run directory.
        case socket(String?)
        /// Nowhere: clients get a descriptor through the monitor.
        case none
    }

    /// What happens when a second client connects.
    public enum SharePolicy: String, XMLValue, CaseIterable, Sendable {
        case allowExclusive = "allow-exclusive"
        case forceShared = "force-shared"
        case ignore
    }

    public var listen: Listen
    /// The TCP port, 5900 to 65535; `nil` when it is chosen at each start.
    public var port: UInt16?
    /// Whether `port` only tells what was chosen for the running guest.
    public var autoport: Bool
    /// Name of a keyboard layout.
    public var keymap: String?
    public var sharePolicy: SharePolicy?

    public init(listen: Listen = .address(nil), port: UInt16? = nil) {
        self.listen = listen
        self.port = port
        autoport = port == nil
    }
}

// MARK: - XML

extension GraphicsDefinition {
    private enum Kind: String, XMLValue, CaseIterable {
        case vnc

        static var refused: [String: String] {
            let hint = "<graphics type='vnc'/> would work"
            return [
                "spice": hint + "; remove SPICE's channels and <redirdev> too", "sdl": hint, "rdp": hint,
                "desktop": hint, "egl-headless": hint, "dbus": hint,
            ]
        }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        switch try reader.required("type", as: Kind.self) {
        case .vnc: self = .vnc(VNCDefinition(reader))
        }
    }

    public func write(to writer: inout XMLWriter) {
        switch self {
        case .vnc(let vnc): vnc.write(to: &writer)
        }
    }
}

extension VNCDefinition {
    private enum ListenKind: String, XMLValue, CaseIterable {
        case address, socket, none

        static var refused: [String: String] { ["network": "<listen type='address' address='…'/> would work"] }
    }

    fileprivate init(_ reader: ElementReader) {
        listen = Self.readListen(reader)
        let number = reader.attribute("port", in: -1...65535)
        let saysAuto = reader.yesNo("autoport")
        autoport = saysAuto ?? (number == nil || number == -1)
        if let number, number != -1 {
            if number < 5900 {
                reader.record(
                    "VNC's ports begin at 5900", hint: "use a port from 5900 to 65535, or autoport='yes'",
                    attribute: "port")
            } else {
                port = UInt16(number)
            }
        }
        if !autoport, port == nil, !reader.hasAttribute("port") || number == -1, case .address = listen {
            reader.record("autoport='no' without a port", hint: "add port='5900', or use autoport='yes'")
        }
        if case .address = listen {
        } else if port != nil || saysAuto == false {
            reader.record(
                "a TCP port does not go with this <listen>", hint: "remove port and autoport, or the <listen>",
                attribute: "port")
        } else {
            autoport = true
        }
        keymap = reader.attribute("keymap")
        if let keymap, !PlainName.isPlain(keymap) {
            reader.record(
                "'\(excerpt(keymap))' is not a keyboard layout's name", hint: "use a name like de or en-us",
                attribute: "keymap")
        }
        sharePolicy = reader.attribute("sharePolicy")
    }

    /// `<listen>`, or the older attributes that say the same.
    private static func readListen(_ reader: ElementReader) -> Listen {
        let address = reader.host("listen")
        let socket = reader.path("socket")
        let listens = reader.children("listen") { listen throws(LodgeError) -> Listen in
            switch try listen.required("type", as: ListenKind.self) {
            case .address: .address(listen.host("address"))
            case .socket: .socket(listen.path("socket"))
            case .none: .none
            }
        }
        if listens.count > 1 {
            reader.record("more than one <listen>", code: .unsupported, hint: "keep one of them")
        }
        guard let listen = listens.first else {
            return socket.map { .socket($0) } ?? .address(address)
        }
        switch listen {
        case .address(let own) where address == nil || own == nil || own == address: return .address(own ?? address)
        case .socket(let own) where socket == nil || own == nil || own == socket: return .socket(own ?? socket)
        case .none where address == nil && socket == nil: return .none
        default:
            reader.record("<listen> does not say the same as the attributes of <graphics>", hint: "keep one of them")
            return listen
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("graphics") { writer in
            writer.attribute("type", "vnc")
            switch listen {
            case .address(let address):
                writer.attribute("port", port.map(Int.init) ?? -1)
                writer.attribute("autoport", yesNo: autoport)
                writer.attribute("listen", address)
            // The older attribute of a socket excludes others; <listen> says it too.
            case .socket, .none: break
            }
            writer.attribute("keymap", keymap)
            writer.attribute("sharePolicy", sharePolicy)
            writer.element("listen") {
                switch listen {
                case .address(let address):
                    $0.attribute("type", ListenKind.address)
                    $0.attribute("address", address)
                case .socket(let path):
                    $0.attribute("type", ListenKind.socket)
                    $0.attribute("socket", path)
                case .none: $0.attribute("type", ListenKind.none)
                }
            }
        }
    }
}
