import FoundationEssentials
import LodgeCore
import LodgeNetlink

/// Making what a plan names. Every step may be done again on what is there already, so repair takes the same steps.
extension NetworkDriver {
    /// The bridge with its addresses and routes.
    func makeLinks(_ plan: NetworkPlan, _ session: NetlinkSession) throws(LodgeError) {
        guard let bridge = plan.bridge else { return }
        try session.createBridge(bridge)
        try finishLinks(plan, bridge, session)
    }

    /// Everything about the bridge that comes after its creation.
    func finishLinks(_ plan: NetworkPlan, _ bridge: BridgeRequest, _ session: NetlinkSession) throws(LodgeError) {
        if plan.disablesIPv6 {
            try setIPv6(bridge.name, "disable_ipv6", "1")
        } else {
            // Guests' router advertisements must not configure the host.
            try setIPv6(bridge.name, "accept_ra", "0")
        }
        for prefix in plan.addresses { try session.addAddress(prefix, index: bridge.index, of: bridge.name) }
        try session.set(
            index: bridge.index, LinkChange(alias: plan.alias, mtu: plan.mtu, isUp: true), of: bridge.name)
        for route in plan.routes { try session.addRoute(route) }
    }

    /// A kernel without IPv6 has no such switch, and needs none.
    private func setIPv6(_ bridge: String, _ key: String, _ value: String) throws(LodgeError) {
        do throws(LodgeError) {
            try KernelSetting.write(value, to: "/proc/sys/net/ipv6/conf/\(bridge)/\(key)")
        } catch {
            if error.code != .notFound { throw error }
        }
    }

    /// Forwarding, rules, and the server.
    func makeRest(_ plan: NetworkPlan, context: OperationContext) throws(LodgeError) {
        guard plan.bridge != nil else { return }
        for family in plan.forwarding {
            try ForwardingSwitch(family).hold(
                for: plan.uuid, store: store, namespace: namespace, context: context)
        }
        if let filter = plan.filter { try makeFilter(filter) }
        if let dnsmasq = plan.dnsmasq { try start(dnsmasq, of: plan, context: context) }
    }

    func makeFilter(_ filter: FilterPlan) throws(LodgeError) {
        try NetlinkSession(.netfilter).replaceFilterTable(
            filter.table, comment: filter.comment, chains: filter.chains)
    }
}
