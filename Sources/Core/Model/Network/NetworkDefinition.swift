public import FoundationEssentials

/// A network as its XML describes it, in libvirt's format. A value: nothing is looked up or made.
///
/// What the XML leaves open stays nil here; the driver fills in UUID, bridge name and bridge address when the network
/// is defined, and keeps them.
public struct NetworkDefinition: Sendable, Hashable {
    public var name: String
    public var uuid: UUID?
    public var title: String?
    public var description: String?
    public var metadata: NetworkMetadata?
    /// `ipv6='yes'`: guests may talk IPv6 among themselves although the bridge has no IPv6 address. They always may
    /// here, because frames between ports never meet the network's rules; kept so that it is written back.
    public var allowsGuestIPv6: Bool?
    /// Nil: isolated.
    public var forward: NetworkForward?
    public var bridge: NetworkBridge
    /// In bytes, 68 to 65535.
    public var mtu: UInt32?
    /// The bridge's own address.
    public var mac: MACAddress?
    public var domain: NetworkDomain?
    public var dns: NetworkDNS?
    public var addresses: [NetworkAddress]
    public var routes: [NetworkRoute]

    public init(name: String) {
        self.name = name
        bridge = NetworkBridge()
        addresses = []
        routes = []
    }

    /// What the network's bridge has to do with the host: nil when it is isolated.
    public var mode: NetworkForward.Mode? { forward?.mode }

    /// Whether the bridge is the host's own and not made here.
    public var usesHostBridge: Bool { mode == .bridge }

    /// The addresses whose guests get theirs by DHCP.
    public var servesDHCP: Bool { addresses.contains { $0.dhcp != nil } }
}

/// `<metadata>`: other programs' data, kept byte for byte.
public struct NetworkMetadata: Sendable, Hashable {
    public var content: String
    public var namespaces: [XMLNamespace]
}

/// `<bridge>`.
public struct NetworkBridge: Sendable, Hashable {
    public var name: String?
    /// Nil means on, as libvirt has it.
    public var stp: Bool?
    /// Forward delay in seconds; with STP on, the kernel takes 2 to 30 and raises less to 2.
    public var delay: UInt32?
    /// `macTableManager='kernel'` was written.
    public var namesKernelAsMACTableManager = false

    public init(name: String? = nil) { self.name = name }
}

/// `<domain>`.
public struct NetworkDomain: Sendable, Hashable {
    public var name: String
    /// Names in the domain are answered here or not at all.
    public var localOnly: Bool?

    public init(name: String, localOnly: Bool? = nil) {
        self.name = name
        self.localOnly = localOnly
    }
}

extension NetworkDefinition {
    /// Reads a `<network>` document.
    ///
    /// - Throws: one error with all refusals in ``LodgeError/others``, each with its place.
    public init(xml: [UInt8], file: String) throws(LodgeError) {
        self = try ElementReader.read(xml, file: file, root: "network", hints: Self.hints) {
            reader throws(LodgeError) in try NetworkDefinition(reader)
        }
    }

    private init(_ reader: ElementReader) throws(LodgeError) {
        self.init(name: try ObjectName.read(reader, of: .network))
        // libvirt writes how many guests are attached; it is no input.
        _ = reader.attribute("connections")
        allowsGuestIPv6 = reader.yesNo("ipv6")
        uuid = reader.childText("uuid", as: UUID.self)
        title = reader.childText("title")
        description = reader.childText("description")
        metadata = reader.child("metadata").map { child in
            let (content, namespaces) = child.verbatim()
            return NetworkMetadata(content: content, namespaces: namespaces)
        }
        forward = reader.child("forward") { child throws(LodgeError) in try NetworkForward(child) }
        bridge = reader.child("bridge") { child throws(LodgeError) in NetworkBridge(child) } ?? NetworkBridge()
        mtu = reader.child("mtu") { child throws(LodgeError) in child.attribute("size", in: 68...65535) }
        mac = reader.child("mac") { child throws(LodgeError) in try Self.readMAC(child) }
        domain = reader.child("domain") { child throws(LodgeError) in try NetworkDomain(child) }
        dns = reader.child("dns") { child throws(LodgeError) in NetworkDNS(child) }
        addresses = reader.children("ip") { child throws(LodgeError) in try NetworkAddress(child) }
        routes = reader.children("route") { child throws(LodgeError) in try NetworkRoute(child) }
        check(reader)
    }

    private static func readMAC(_ reader: ElementReader) throws(LodgeError) -> MACAddress {
        let mac: MACAddress = try reader.required("address")
        guard !mac.isMulticast, mac.value != 0 else {
            throw reader.error(
                "\(mac) is no address that an interface can have", hint: "use one whose first digit pair is even",
                attribute: "address")
        }
        return mac
    }

    /// Writes the definition as libvirt's `net-dumpxml` lays it out.
    public func xml() -> String {
        var writer = XMLWriter()
        writer.element("network") { network in
            network.attribute("ipv6", yesNo: allowsGuestIPv6)
            network.element("name", text: name)
            network.element("uuid", text: uuid?.lowercased)
            network.element("title", text: title)
            network.element("description", text: description)
            if let metadata {
                network.element("metadata") { element in
                    for namespace in metadata.namespaces {
                        element.attribute("xmlns:\(namespace.prefix)", namespace.uri)
                    }
                    element.verbatim(metadata.content)
                }
            }
            forward?.write(to: &network)
            bridge.write(to: &network)
            network.element("mtu", "size", mtu)
            network.element("mac", "address", mac)
            domain?.write(to: &network)
            dns?.write(to: &network)
            for address in addresses { address.write(to: &network) }
            for route in routes { route.write(to: &network) }
        }
        return writer.finish()
    }
}

extension NetworkBridge {
    fileprivate init(_ reader: ElementReader) {
        self.init(name: reader.attribute("name"))
        if let name, let fault = LinkName.fault(in: name) {
            reader.record(
                "the bridge name '\(excerpt(name))' \(fault)",
                hint: "use at most 15 letters, digits, '.', '-' and '_', or leave the name out and one is chosen",
                attribute: "name")
        }
        stp = reader.onOff("stp")
        delay = reader.attribute("delay", in: 0...30)
        switch reader.attribute("macTableManager") {
        case nil: break
        case "kernel": namesKernelAsMACTableManager = true
        case "libvirt":
            reader.record(
                "macTableManager='libvirt' is not supported", code: .unsupported,
                hint: "leave it out: the kernel learns the addresses", attribute: "macTableManager")
        case let other?:
            reader.record(
                "'\(excerpt(other))' as @macTableManager of <bridge> is not 'kernel'", attribute: "macTableManager")
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        guard self != NetworkBridge() else { return }
        writer.element("bridge") { bridge in
            bridge.attribute("name", name)
            bridge.attribute("stp", onOff: stp)
            bridge.attribute("delay", delay)
            bridge.attribute("macTableManager", namesKernelAsMACTableManager ? "kernel" : nil)
        }
    }
}

extension NetworkDomain {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        self.init(name: try reader.requiredDNSName("name"), localOnly: reader.yesNo("localOnly"))
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("domain") { domain in
            domain.attribute("name", name)
            domain.attribute("localOnly", yesNo: localOnly)
        }
    }
}
