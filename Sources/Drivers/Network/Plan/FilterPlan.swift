public import FoundationEssentials
import LodgeCore
public import LodgeNetlink

/// The packet filter table of one network.
///
/// There is no chain for input: an `accept` of ours could not overrule a `drop` in another table, and without one it
/// says nothing. Frames between two guests of one bridge never get here (unless br_netfilter sends them; then the first
/// rule lets them pass).
public struct FilterPlan: Sendable, Hashable {
    public var table: FilterTable
    public var comment: String
    public var chains: [FilterChain]

    /// How many rules the kernel counts when the table is whole.
    public var ruleCount: Int { chains.reduce(0) { $0 + $1.rules.count } }

    /// Nil for open networks, which have no rules of ours, and for bridges of the host. An isolated network has rules
    /// also when its bridge has no address: a guest could send what it likes to the host for forwarding.
    init?(_ definition: NetworkDefinition, uuid: UUID, bridge: String) {
        guard definition.mode != .open, definition.mode != .bridge else { return nil }
        table = Self.table(of: uuid)
        comment = "network \(definition.name)"
        let prefixes = definition.addresses.map(\.prefix.network)
        var chains = [
            FilterChain(
                name: "forward", kind: .filter, hook: .forward, priority: 0,
                rules: Self.forward(definition, prefixes: prefixes, bridge: bridge))
        ]
        let translated = prefixes.filter { Self.isTranslated($0, definition) }
        if !translated.isEmpty {
            let rules = translated.flatMap { Self.translation(of: $0, definition) }
            chains.append(
                FilterChain(name: "postrouting", kind: .nat, hook: .postrouting, priority: 100, rules: rules))
        }
        self.chains = chains
    }

    /// One table a network, so that it comes and goes as a whole.
    public static func table(of uuid: UUID) -> FilterTable {
        FilterTable(family: "inet", name: "lodge_" + uuid.lowercased.filter { $0 != "-" })
    }

    private static func isTranslated(_ prefix: IPPrefix, _ definition: NetworkDefinition) -> Bool {
        guard definition.mode == .nat else { return false }
        return prefix.family == .ipv4 || definition.forward?.nat?.ipv6 == true
    }

    private static func forward(
        _ definition: NetworkDefinition, prefixes: [IPPrefix], bridge: String
    ) -> [FilterRule] {
        var rules = [FilterRule([.input(bridge), .output(bridge)], .accept)]
        if let forward = definition.forward {
            let outwards = forward.device.map { [FilterRule.Match.output($0)] } ?? []
            let inwards = forward.device.map { [FilterRule.Match.input($0)] } ?? []
            // Subnets behind a guest of the network belong to it.
            for prefix in prefixes + definition.routes.map(\.destination) {
                let answersOnly = isTranslated(prefix, definition) || (forward.mode == .nat && prefix.family == .ipv4)
                rules.append(FilterRule([.input(bridge)] + outwards + [.source(prefix)], .accept))
                rules.append(
                    FilterRule(
                        inwards + [.output(bridge), .destination(prefix)] + (answersOnly ? [.established] : []),
                        .accept))
            }
        }
        return rules + [FilterRule([.input(bridge)], .reject), FilterRule([.output(bridge)], .reject)]
    }

    private static func translation(of prefix: IPPrefix, _ definition: NetworkDefinition) -> [FilterRule] {
        // Multicast of the link and broadcasts stay on the link; their sender must not change.
        let local = prefix.family == .ipv4 ? ["224.0.0.0/24", "255.255.255.255/32"] : ["ff02::/16"]
        var rules = local.compactMap { IPPrefix($0) }.map {
            FilterRule([.source(prefix), .destination($0)], .leave)
        }
        let nat = definition.forward?.nat
        // Out of reach of the host's own servers, whose ports are below.
        let ports = nat?.ports ?? 1024...65535
        let addresses = prefix.family == .ipv4 ? nat?.addresses : nil
        let leaving = [FilterRule.Match.source(prefix), .notDestination(prefix)]
        func verdict(_ ports: ClosedRange<UInt16>?) -> FilterRule.Verdict {
            addresses.map { .translateSource($0, ports: ports) } ?? .masquerade(ports: ports)
        }
        rules.append(FilterRule(leaving + [.transport(.tcp)], verdict(ports)))
        rules.append(FilterRule(leaving + [.transport(.udp)], verdict(ports)))
        rules.append(FilterRule(leaving, verdict(nil)))
        return rules
    }
}
