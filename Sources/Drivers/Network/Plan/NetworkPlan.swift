public import FoundationEssentials
public import LodgeCore
public import LodgeNetlink

/// Everything that an active network is made of, worked out from its definition alone: no I/O, tested as a table.
public struct NetworkPlan: Sendable, Hashable {
    public var uuid: UUID
    public var name: String
    /// The bridge to make; nil when the host's own is used.
    public var bridge: BridgeRequest?
    /// The bridge that guests join.
    public var bridgeName: String
    /// Marks the bridge as ours and as this network's.
    public var alias: String
    public var mtu: UInt32?
    public var addresses: [IPPrefix]
    public var routes: [Route]
    /// IPv6 stays off on a bridge that has no IPv6 address, so that no guest can give it one by router advertisement.
    public var disablesIPv6: Bool
    /// The families that the host must forward.
    public var forwarding: [IPAddress.Family]
    /// Nil when the network needs no rules.
    public var filter: FilterPlan?
    /// Nil when neither DHCP nor DNS is served.
    public var dnsmasq: DnsmasqPlan?

    /// - Parameters:
    ///   - definition: resolved: bridge name there, bridge address there unless the bridge is the host's own.
    ///   - uuid: names the table and the alias.
    ///   - index: the bridge's ifindex, chosen host-wide unique by the caller.
    ///   - resolvers: the host's DNS servers, asked when the network names none.
    /// - Throws: `invalidArgument` when a value would not survive in dnsmasq's configuration.
    public init(_ definition: NetworkDefinition, uuid: UUID, index: Int32, resolvers: [IPAddress]) throws(LodgeError) {
        guard let bridgeName = definition.bridge.name else {
            throw LodgeError(
                .invalidArgument, "the network has no bridge name", object: ObjectReference(.network, definition.name))
        }
        self.uuid = uuid
        name = definition.name
        self.bridgeName = bridgeName
        alias = Self.alias(of: uuid)
        mtu = definition.mtu
        addresses = definition.addresses.map(\.prefix)
        routes = definition.routes.map { route in
            Route(destination: route.destination, gateway: route.gateway, index: index, metric: route.metric)
        }
        disablesIPv6 = !addresses.contains { $0.family == .ipv6 }
        guard !definition.usesHostBridge else {
            bridge = nil
            forwarding = []
            disablesIPv6 = false
            return
        }
        bridge = BridgeRequest(
            name: bridgeName, index: index, mac: definition.mac ?? Self.mac(of: uuid),
            stp: definition.bridge.stp ?? true,
            // The kernel counts in hundredths of a second.
            forwardDelay: (definition.bridge.delay ?? 0) * 100)
        let families = Set(addresses.map(\.family)).sorted()
        forwarding = definition.forward == nil ? [] : families
        filter = FilterPlan(definition, uuid: uuid, bridge: bridgeName)
        dnsmasq = try DnsmasqPlan(definition, bridge: bridgeName, resolvers: resolvers)
    }

    /// What marks a link as this network's. Survives renaming.
    public static func alias(of uuid: UUID) -> String { "lodge:network:\(uuid.lowercased)" }

    /// The network that an alias names.
    public static func network(ofAlias alias: String?) -> UUID? {
        guard let alias, alias.hasPrefix("lodge:network:") else { return nil }
        return UUID(uuidString: String(alias.dropFirst("lodge:network:".count)))
    }

    /// An address in 52:54:00 that stays the same for a network's life.
    public static func mac(of uuid: UUID) -> MACAddress {
        let bytes = unsafe withUnsafeBytes(of: uuid.uuid) { unsafe Array($0) }
        // Folded, because some of a UUID's bytes carry its version and not its chance.
        let folded = (0..<3).map { position in
            stride(from: position, to: 16, by: 3).reduce(0 as UInt8) { $0 ^ bytes[$1] }
        }
        return MACAddress(0x52, 0x54, 0x00, folded[0], folded[1], folded[2])
    }
}
