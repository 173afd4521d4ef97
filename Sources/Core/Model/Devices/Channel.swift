/// A virtio-serial port with a name, for agents in the guest: `<channel>`.
public struct ChannelDefinition: Sendable, Hashable {
    /// Whether somebody in the guest has the port open; only a running guest's definition tells.
    public enum State: String, XMLValue, CaseIterable, Sendable {
        case connected, disconnected
    }

    /// The name under which the QEMU guest agent listens.
    public static let guestAgent = "org.qemu.guest_agent.0"

    public var backend: CharacterBackend
    public var name: String
    public var state: State?
    public var alias: String?
    public var address: VirtioSerialAddress?

    public init(_ backend: CharacterBackend, name: String) {
        self.backend = backend
        self.name = name
    }
}

extension ChannelDefinition {
    private enum Target: String, XMLValue, CaseIterable {
        case virtio

        static var refused: [String: String] {
            ["guestfwd": "type='virtio' would work", "xen": "type='virtio' would work"]
        }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        backend = try CharacterBackend(reader)
        guard let target = reader.child("target") else {
            throw reader.error(
                "<channel> has no <target>", hint: "add <target type='virtio' name='\(Self.guestAgent)'/>")
        }
        _ = try target.required("type", as: Target.self)
        name = try target.required("name")
        target.checkSingleLine("name")
        state = target.attribute("state")
        alias = reader.alias()
        if case .virtioSerial(let place) = reader.address(.virtioSerial) { address = place }
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("channel") { writer in
            backend.writeType(to: &writer)
            backend.writeSource(to: &writer)
            writer.element("target") {
                $0.attribute("type", Target.virtio)
                $0.attribute("name", name)
                $0.attribute("state", state)
            }
            writer.alias(alias)
            writer.address(address.map(DeviceAddress.virtioSerial))
        }
    }
}
