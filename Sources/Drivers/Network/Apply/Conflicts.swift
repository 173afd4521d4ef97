import FoundationEssentials
import LodgeCore
import LodgeNetlink

/// What would keep a network from starting, found before anything is made: the error names both sides and offers a way
/// out.
extension NetworkDriver {
    func check(
        _ plan: NetworkPlan, _ object: ObjectReference, _ session: NetlinkSession, context: OperationContext
    ) throws(LodgeError) {
        let existing = try session.link(named: plan.bridgeName)
        guard let bridge = plan.bridge else {
            guard let existing else {
                throw LodgeError(
                    .notFound, "the host has no bridge '\(plan.bridgeName)'", object: object,
                    hint: "make it first: 'ip link add \(plan.bridgeName) type bridge', or in the host's network setup")
            }
            guard existing.kind == "bridge" else {
                throw LodgeError(
                    .invalidState,
                    "'\(plan.bridgeName)' is \(existing.kind.map { "a \($0) link" } ?? "an interface"), not a bridge",
                    object: object, hint: "put it into a bridge and name that")
            }
            return
        }
        if let existing {
            let taken = Set(try session.links().map(\.name))
            let free = (0..<100_000).lazy.map { "virbr\($0)" }.first { !taken.contains($0) } ?? "virbr100000"
            throw LodgeError(
                .busy, "the bridge name '\(bridge.name)' is in use by \(try owner(of: existing))", object: object,
                hint: "write <bridge name='\(free)'/> into the definition, which is free")
        }
        let routes = try session.routes()
        try checkSubnets(plan, object, routes, session)
        if plan.forwarding.contains(.ipv6) { try checkAdvertisedRoutes(object, routes, session) }
    }

    /// A host that forwards IPv6 stops listening to routers, unless `accept_ra` is 2, and so would lose its own route.
    private func checkAdvertisedRoutes(
        _ object: ObjectReference, _ routes: [Route], _ session: NetlinkSession
    ) throws(LodgeError) {
        guard try !ForwardingSwitch(.ipv6).isOn() else { return }
        for route in routes where route.isAdvertised && route.destination.length == 0 {
            guard let index = route.index, let link = try session.link(index: index), LinkName.isUsable(link.name),
                let value = try AtomicFile.read("/proc/sys/net/ipv6/conf/\(link.name)/accept_ra", limit: 16),
                value.first != UInt8(ascii: "2")
            else { continue }
            throw LodgeError(
                .invalidState,
                "forwarding IPv6 would make the host lose its default route, which a router advertises on '\(link.name)'",
                object: object, hint: "'sysctl net.ipv6.conf.\(link.name).accept_ra=2' keeps it")
        }
    }

    private func checkSubnets(
        _ plan: NetworkPlan, _ object: ObjectReference, _ all: [Route], _ session: NetlinkSession
    ) throws(LodgeError) {
        let routes = all.filter { route in
            // A default route covers everything and conflicts with nothing; IPv6 has link-local routes everywhere.
            route.destination.length > 0 && !route.destination.address.isLinkLocal
        }
        for wanted in plan.addresses.map(\.network) + plan.routes.map(\.destination) {
            guard let rival = routes.first(where: { $0.destination.overlaps(wanted) }) else { continue }
            var owner = "a route of the host"
            if let index = rival.index, let link = try session.link(index: index) { owner = try self.owner(of: link) }
            throw LodgeError(
                .busy, "the subnet \(wanted) is in use: \(rival.destination) belongs to \(owner)", object: object,
                hint: Self.freeSubnet(routes.map(\.destination), like: wanted).map {
                    "use another subnet, such as \($0), which is free"
                })
        }
    }

    /// Whose a link is, for people.
    private func owner(of link: Link) throws(LodgeError) -> String {
        guard let uuid = NetworkPlan.network(ofAlias: link.alias) else {
            return "the host's \(link.kind ?? "interface") '\(link.name)'"
        }
        let name = try name(of: uuid) ?? uuid.lowercased
        return "network '\(name)' (bridge '\(link.name)')"
    }

    /// A network of the same family that overlaps none of these.
    static func freeSubnet(_ taken: [IPPrefix], like wanted: IPPrefix) -> IPPrefix? {
        let candidates: [String] =
            wanted.family == .ipv4
            ? (0...255).map { "192.168.\(($0 + 100) % 256).0/24" } + (0...255).map { "10.\($0).0.0/24" }
            : (1...4096).map { "fd00:\(String($0, radix: 16))::/64" }
        return candidates.lazy.compactMap { IPPrefix($0) }.first { candidate in
            !taken.contains { $0.overlaps(candidate) }
        }
    }
}
