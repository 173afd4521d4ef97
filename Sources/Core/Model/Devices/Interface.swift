/// A network card and what it is plugged into: `<interface>`.
public struct InterfaceDefinition: Sendable, Hashable {
    public enum Source: Sendable, Hashable {
        /// A network that Lodge runs, by name.
        case network(String)
        /// A bridge of the host.
        case bridge(String)
        /// QEMU's user-mode network: no rights needed, no way in.
        case user
    }

    public enum Model: String, XMLValue, CaseIterable, Sendable {
        case virtio, e1000, e1000e, igb, rtl8139, vmxnet3, pcnet
        case ne2kPCI = "ne2k_pci"

        public static var refused: [String: String] {
            let hint = "type='virtio' would work"
            return ["virtio-transitional": hint, "virtio-non-transitional": hint, "netfront": hint, "usb-net": hint]
        }
    }

    /// Who moves the packets of a virtio card.
    public enum Backend: String, XMLValue, CaseIterable, Sendable {
        case qemu, vhost

        public static var refused: [String: String] { ["vfio": "name='vhost' or name='qemu' would work"] }
    }

    public struct Driver: Sendable, Hashable {
        public var backend: Backend?
        /// Queue pairs.
        public var queues: UInt16?
        /// A power of two from 256 to 1024.
        public var receiveQueueSize: UInt16?
        public var transmitQueueSize: UInt16?

        public init() {}
    }

    public enum LinkState: String, XMLValue, CaseIterable, Sendable {
        case up, down
    }

    public var source: Source
    /// `nil` when none is chosen yet.
    public var mac: MACAddress?
    /// `nil`: the machine's usual one.
    public var model: Model?
    public var driver: Driver?
    /// The host's name for the link; `nil` leaves the choice to us.
    public var targetDevice: String?
    public var linkState: LinkState?
    /// Bytes of the largest packet, 68 to 65535.
    public var mtu: UInt32?
    /// Place in the boot order, from 1.
    public var bootOrder: UInt16?
    public var alias: String?
    public var address: PCIAddress?

    public init(source: Source, mac: MACAddress? = nil, model: Model? = nil) {
        self.source = source
        self.mac = mac
        self.model = model
    }
}

// MARK: - XML

extension InterfaceDefinition {
    private enum Kind: String, XMLValue, CaseIterable {
        case network, bridge, user

        static var refused: [String: String] {
            let hint = "type='network', 'bridge' or 'user' would work"
            return [
                "direct": hint, "hostdev": hint, "ethernet": hint, "server": hint, "client": hint, "mcast": hint,
                "udp": hint, "internal": hint, "vhostuser": hint, "vdpa": hint, "null": hint, "vds": hint,
            ]
        }
    }

    public init(_ reader: ElementReader) throws(LodgeError) {
        switch try reader.required("type", as: Kind.self) {
        case .network:
            let source = try Self.sourceElement(of: reader, example: "network='default'")
            self.source = .network(try source.required("network"))
            source.checkSingleLine("network")
            // What libvirt tells of a running guest; it means nothing in a definition.
            _ = source.attribute("portid")
            _ = source.attribute("bridge")
        case .bridge:
            let source = try Self.sourceElement(of: reader, example: "bridge='br0'")
            let name = try source.required("bridge")
            try Self.checkLinkName(name, in: source, attribute: "bridge")
            self.source = .bridge(name)
        case .user: source = .user
        }
        mac = reader.childAttribute("mac", "address")
        if let mac, mac.isMulticast {
            reader.record(
                "the MAC address \(mac) is a group address", hint: "make the first byte even, like 52:54:00:…")
        }
        model = reader.childAttribute("model", "type")
        driver = reader.child("driver", Driver.init)
        if let target = reader.child("target"), let name = target.attribute("dev") {
            try Self.checkLinkName(name, in: target, attribute: "dev")
            targetDevice = name
        }
        linkState = reader.childAttribute("link", "state")
        mtu = reader.child("mtu")?.attribute("size", in: 68...65535)
        bootOrder = reader.bootOrder()
        alias = reader.alias()
        address = reader.pciAddress()
    }

    private static func sourceElement(
        of reader: ElementReader, example: String
    ) throws(LodgeError) -> ElementReader {
        guard let source = reader.child("source") else {
            throw reader.error("<interface> has no <source>", hint: "add <source \(example)/>")
        }
        return source
    }

    /// The kernel takes stranger names; nft, dnsmasq and shells read some of them as patterns.
    private static func checkLinkName(
        _ name: String, in reader: ElementReader, attribute: String
    ) throws(LodgeError) {
        guard !LinkName.isUsable(name) else { return }
        throw reader.error(
            "'\(excerpt(name))' as @\(attribute) of <\(reader.name)> is not a link's name", hint: LinkName.hint,
            attribute: attribute)
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("interface") { writer in
            let kind: Kind =
                switch source {
                case .network: .network
                case .bridge: .bridge
                case .user: .user
                }
            writer.attribute("type", kind)
            writer.element("mac", "address", mac)
            switch source {
            case .network(let name): writer.element("source", "network", name)
            case .bridge(let name): writer.element("source", "bridge", name)
            case .user: break
            }
            writer.element("target", "dev", targetDevice)
            writer.element("model", "type", model)
            driver?.write(to: &writer)
            writer.element("link", "state", linkState)
            writer.element("mtu", "size", mtu)
            writer.bootOrder(bootOrder)
            writer.alias(alias)
            writer.address(address)
        }
    }
}

extension InterfaceDefinition.Driver {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        backend = reader.attribute("name")
        queues = reader.attribute("queues", in: 1...UInt16(256))
        receiveQueueSize = try Self.queueSize(reader, "rx_queue_size")
        transmitQueueSize = try Self.queueSize(reader, "tx_queue_size")
    }

    private static func queueSize(_ reader: ElementReader, _ name: String) throws(LodgeError) -> UInt16? {
        guard let size = reader.attribute(name, in: UInt16(1)...UInt16.max) else { return nil }
        guard size.nonzeroBitCount == 1, (256...1024).contains(size) else {
            throw reader.error("@\(name) of <driver> is none of 256, 512, 1024", attribute: name)
        }
        return size
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("driver") {
            $0.attribute("name", backend)
            $0.attribute("queues", queues)
            $0.attribute("rx_queue_size", receiveQueueSize)
            $0.attribute("tx_queue_size", transmitQueueSize)
        }
    }
}
