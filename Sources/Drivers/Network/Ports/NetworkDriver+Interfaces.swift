import FoundationEssentials
public import LodgeCore
import LodgeNetlink

/// Guests' interfaces: a tap on the network's bridge, or on one of the host's.
extension NetworkDriver: InterfaceProvider {
    public func plan(
        _ request: InterfaceRequest, context: OperationContext
    ) throws(LodgeError) -> InterfacePlan {
        let object = ObjectReference(.domain, request.domainName)
        let definition = request.definition
        guard let name = try bridgeName(of: definition, object) else { return InterfacePlan(index: request.index) }
        let session = try NetlinkSession()
        guard let bridge = try session.link(named: name) else {
            throw LodgeError(
                .notFound, "the host has no bridge '\(name)'", object: object,
                hint: "make it first, or use <interface type='network'>")
        }
        guard bridge.kind == "bridge" else {
            throw LodgeError(
                .invalidState, "'\(name)' is \(bridge.kind.map { "a \($0) link" } ?? "an interface"), not a bridge",
                object: object, hint: "put it into a bridge and name that")
        }
        if let queues = definition.driver?.queues, queues > 1 {
            throw LodgeError(
                .unsupported, "\(queues) queues for one interface are not supported", object: object,
                hint: "leave queues out of <driver>")
        }
        let tap = definition.targetDevice ?? Self.tapName(request.domain, request.index)
        try LinkName.check(tap)
        if try session.link(named: tap) != nil {
            throw LodgeError(
                .busy, "the interface name '\(tap)' is taken", object: object,
                hint: "leave <target dev='…'/> out and a free name is chosen")
        }
        let mac = definition.mac.map { Self.hostSide(of: $0) }
        return InterfacePlan(
            index: request.index,
            resources: [
                .link(name: tap, index: LinkName.randomIndex(), kind: "tun", mac: mac), .port(link: tap, of: name),
            ],
            tapName: tap, bridge: name, mtu: definition.mtu ?? bridge.mtu)
    }

    /// The bridge that the interface joins; nil when it needs none.
    private func bridgeName(
        of definition: InterfaceDefinition, _ object: ObjectReference
    ) throws(LodgeError) -> String? {
        switch definition.source {
        case .user: return nil
        case .bridge(let name): return name
        case .network(let name):
            guard ObjectName.fault(in: name) == nil, let found = try look(for: name) else {
                throw LodgeError(
                    .notFound, "there is no network '\(name.prefix(60))'", object: object,
                    hint: "'lodge net-list --all' shows all; 'lodge net-define FILE' adds one")
            }
            if case .active(let bridge) = found { return bridge }
            throw LodgeError(
                .invalidState, "the network '\(name)' is not active", object: object,
                hint: "'lodge net-start \(name)' starts it")
        }
    }

    private enum Found {
        case active(bridge: String)
        case inactive
    }

    /// The network of this name; nil when there is none.
    private func look(for name: String) throws(LodgeError) -> Found? {
        var uuid = try kept(named: name)?.uuid
        if uuid == nil { uuid = try records().first { $0.name == name }?.uuid }
        guard let uuid else { return nil }
        let (reading, verdict) = try observe(uuid)
        guard verdict.isActive, let bridge = reading.record?.bridgeName else { return .inactive }
        return .active(bridge: bridge)
    }

    public func attach(
        _ plan: InterfacePlan, context: OperationContext
    ) throws(LodgeError) -> AttachedInterface {
        guard let bridgeName = plan.bridge,
            case .link(let name, let index, _, let mac)? = plan.resources.first(where: \.isTap)
        else { throw LodgeError(.invalidArgument, "interface \(plan.index) needs no tap") }
        let tap = try Tap.open(name: name, index: index)
        let session = try NetlinkSession()
        guard let bridge = try session.link(named: bridgeName), bridge.kind == "bridge" else {
            throw LodgeError(.notFound, "the bridge '\(bridgeName)' is gone")
        }
        try session.set(
            index: index, LinkChange(mac: mac, mtu: plan.mtu, master: bridge.index, isUp: true), of: name)
        return AttachedInterface(tap: tap)
    }

    /// Taps go with the descriptor that QEMU holds; this is for one that outlives it.
    public func detach(_ resources: [Resource], context: OperationContext) throws(LodgeError) {
        for case .link(_, let index, "tun", _) in resources {
            try NetlinkSession().deleteLink(index: index, kind: "tun")
        }
    }

    public func inactiveNetworks(
        of requests: [InterfaceRequest], context: OperationContext
    ) throws(LodgeError) -> [String] {
        var names: [String] = []
        for request in requests {
            guard case .network(let name) = request.definition.source, !names.contains(name),
                ObjectName.fault(in: name) == nil, let uuid = try kept(named: name)?.uuid
            else { continue }
            if try !observe(uuid).verdict.isActive { names.append(name) }
        }
        return names
    }

    /// Derived from the guest's UUID, so that it is known before it is made and the same each time: `lt`, nine
    /// hexadecimal digits, the interface's number. The digits are a hash (FNV-1a), because UUIDs chosen by hand often
    /// differ at their end only.
    static func tapName(_ domain: UUID, _ index: Int) -> String {
        let hash = unsafe withUnsafeBytes(of: domain.uuid) { bytes in
            unsafe bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        let digits = String(hash >> 28, radix: 16)
        return "lt" + String(repeating: "0", count: 9 - digits.count) + digits + "-\(index)"
    }

    /// The guest's address with fe in front: higher than any bridge's, which would else take the lowest of its ports'
    /// as its own.
    static func hostSide(of mac: MACAddress) -> MACAddress {
        MACAddress(truncating: mac.value & 0xff_ffff_ffff | 0xfe << 40)
    }
}

extension Resource {
    fileprivate var isTap: Bool { if case .link(_, _, "tun", _) = self { true } else { false } }
}
