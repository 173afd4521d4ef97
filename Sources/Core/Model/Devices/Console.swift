/// A console: the first serial port under another name, or a virtio one: `<console>`.
public struct ConsoleDefinition: Sendable, Hashable {
    public enum Target: String, XMLValue, CaseIterable, Sendable {
        case serial, virtio

        public static var refused: [String: String] {
            let hint = "type='serial' or type='virtio' would work"
            return ["xen": hint, "uml": hint, "lxc": hint, "openvz": hint, "sclp": hint, "sclplm": hint]
        }
    }

    public var backend: CharacterBackend
    public var target: Target
    /// `nil` when none is assigned yet.
    public var port: UInt8?
    public var alias: String?
    /// Of a virtio console.
    public var address: VirtioSerialAddress?

    public init(_ backend: CharacterBackend, target: Target = .serial, port: UInt8? = nil) {
        self.backend = backend
        self.target = target
        self.port = port
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        backend = try CharacterBackend(reader)
        // Older dumps tell the terminal in both places.
        _ = reader.attribute("tty")
        let element = reader.child("target")
        target = element?.attribute("type") ?? .serial
        port = element?.attribute("port")
        alias = reader.alias()
        if target == .virtio, case .virtioSerial(let place) = reader.address(.virtioSerial) { address = place }
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("console") { writer in
            backend.writeType(to: &writer)
            backend.writeSource(to: &writer)
            writer.element("target") {
                $0.attribute("type", target)
                $0.attribute("port", port)
            }
            writer.alias(alias)
            writer.address(address.map(DeviceAddress.virtioSerial))
        }
    }
}
