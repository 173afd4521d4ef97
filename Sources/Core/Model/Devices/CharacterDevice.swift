/// Where the bytes of a serial port, console or channel go on the host.
public struct CharacterBackend: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// A pseudo-terminal of QEMU's making. `path` is known while the guest runs.
        case pty(path: String?)
        case file(path: String, append: Bool?)
        /// A Unix socket; without a path one is made in the guest's run directory.
        case unix(path: String?, mode: SocketMode)
        case tcp(host: String, service: String, mode: SocketMode, protocol: TCPProtocol)
        case null
    }

    /// `bind` listens, `connect` connects to a listener.
    public enum SocketMode: String, XMLValue, CaseIterable, Sendable {
        case bind, connect
    }

    public enum TCPProtocol: String, XMLValue, CaseIterable, Sendable {
        case raw, telnet

        public static var refused: [String: String] {
            ["telnets": "type='telnet' or 'raw' would work", "tls": "type='telnet' or 'raw' would work"]
        }
    }

    /// A file that gets a copy of what the guest writes.
    public struct Log: Sendable, Hashable {
        public var file: String
        public var append: Bool?

        public init(file: String, append: Bool? = nil) {
            self.file = file
            self.append = append
        }
    }

    public var source: Source
    public var log: Log?

    public init(_ source: Source, log: Log? = nil) {
        self.source = source
        self.log = log
    }
}

// MARK: - XML

extension CharacterBackend {
    private enum Kind: String, XMLValue, CaseIterable {
        case pty, file, unix, tcp, null

        static var refused: [String: String] {
            let hint = "type='pty', 'unix', 'tcp', 'file' or 'null' would work"
            let spice = "SPICE is not offered: remove it; the guest agent needs type='unix', the screen VNC"
            return [
                "dev": hint, "pipe": hint, "udp": hint, "stdio": hint, "vc": hint, "nmdm": hint, "dbus": hint,
                "qemu-vdagent": hint, "spicevmc": spice, "spiceport": spice,
            ]
        }
    }

    private var kind: Kind {
        switch source {
        case .pty: .pty
        case .file: .file
        case .unix: .unix
        case .tcp: .tcp
        case .null: .null
        }
    }

    /// Reads `type`, `<source>`, `<protocol>` and `<log>` of a character device.
    init(_ reader: ElementReader) throws(LodgeError) {
        let kind: Kind = try reader.required("type")
        let source = reader.child("source")
        switch kind {
        case .pty:
            // Of a running guest; QEMU chooses it anew at each start.
            let tty = reader.attribute("tty")
            self.source = .pty(path: source?.path("path") ?? tty)
        case .file:
            guard let source, let path = source.path("path") else {
                throw reader.error("a file without a path", hint: "add <source path='/…'/>")
            }
            self.source = .file(path: path, append: source.onOff("append"))
        case .unix:
            let mode = source?.attribute("mode", as: SocketMode.self) ?? .bind
            self.source = .unix(path: source?.path("path"), mode: mode)
            if mode == .connect, source?.hasAttribute("path") != true {
                reader.record("mode='connect' without a path", hint: "add path='/…', or use mode='bind'")
            }
        case .tcp:
            guard let source else {
                throw reader.error("a TCP connection without <source>", hint: "add <source host='…' service='…'/>")
            }
            let host = try source.required("host")
            let service = try source.required("service")
            _ = source.host("host")
            if !PlainName.isPlain(service) {
                source.record(
                    "'\(excerpt(service))' is not a port or service", hint: "use a number from 1 to 65535",
                    attribute: "service")
            }
            self.source = .tcp(
                host: host, service: service, mode: source.attribute("mode") ?? .connect,
                protocol: reader.childAttribute("protocol", "type") ?? .raw)
        case .null: self.source = .null
        }
        log = reader.child("log") { log throws(LodgeError) in
            _ = try log.required("file")
            return log.path("file").map { Log(file: $0, append: log.onOff("append")) }
        }
    }

    func writeType(to writer: inout XMLWriter) {
        writer.attribute("type", kind)
    }

    func writeSource(to writer: inout XMLWriter) {
        switch source {
        case .pty(let path): writer.element("source", "path", path)
        case .file(let path, let append):
            writer.element("source") {
                $0.attribute("path", path)
                $0.attribute("append", onOff: append)
            }
        case .unix(let path, let mode):
            if path != nil || mode != .bind {
                writer.element("source") {
                    $0.attribute("mode", mode)
                    $0.attribute("path", path)
                }
            }
        case .tcp(let host, let service, let mode, let `protocol`):
            writer.element("source") {
                $0.attribute("mode", mode)
                $0.attribute("host", host)
                $0.attribute("service", service)
            }
            writer.element("protocol", "type", `protocol`)
        case .null: break
        }
        if let log {
            writer.element("log") {
                $0.attribute("file", log.file)
                $0.attribute("append", onOff: log.append)
            }
        }
    }
}
