import FoundationEssentials
import LodgeCore
import LodgeNetlink

/// One look at the kernel, for any number of networks: one dump a kind.
struct NetworkSurvey {
    private let bridges: [Int32: Link]
    private let names: [String: Link]
    /// Nil: not looked at, so taken as whole.
    private var addresses: [Int32: Set<IPPrefix>]?
    private var tables: [FilterTable: Int]?
    private var forwarding: [String: Bool]?
    private let namespace: UInt64

    /// Only the bridges: what `net-list` needs.
    init(namespace: UInt64, session: NetlinkSession) throws(LodgeError) {
        self.namespace = namespace
        let links = try session.links(kind: "bridge")
        bridges = Dictionary(links.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
        names = Dictionary(links.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    /// Only the bridge of one record, by look-ups instead of a dump.
    init(of record: StatusRecord, namespace: UInt64, session: NetlinkSession) throws(LodgeError) {
        self.namespace = namespace
        var links: [Link] = []
        for resource in record.resources {
            switch resource {
            case .link(let name, let index, "bridge", _):
                if let link = try session.link(index: index) { links.append(link) }
                if links.isEmpty, let link = try session.link(named: name) { links.append(link) }
            case .hostLink(let name):
                if let link = try session.link(named: name) { links.append(link) }
            default: continue
            }
        }
        links.removeAll { $0.kind != "bridge" }
        bridges = Dictionary(links.map { ($0.index, $0) }, uniquingKeysWith: { $1 })
        names = Dictionary(links.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    }

    /// Looks at addresses and tables too.
    mutating func lookDeeper(_ session: NetlinkSession) throws(LodgeError) {
        var found: [Int32: Set<IPPrefix>] = [:]
        for address in try session.addresses() where bridges[address.index] != nil {
            found[address.index, default: []].insert(address.prefix)
        }
        addresses = found
        tables = try NetlinkSession(.netfilter).filterTables()
        var values: [String: Bool] = [:]
        for family in IPAddress.Family.allCases {
            values[ForwardingSwitch(family).key] = try ForwardingSwitch(family).isOn()
        }
        forwarding = values
    }

    /// What is there of the network that this record describes.
    func presence(of record: StatusRecord?, isLocked: Bool, store: Store) throws(LodgeError) -> NetworkPresence {
        var presence = NetworkPresence(isLocked: isLocked, namespace: namespace, bridge: .absent)
        guard let record else { return presence }
        for resource in record.resources {
            switch resource {
            case .link(let name, let index, let kind, _):
                guard kind == "bridge" else { continue }
                presence.bridge = bridge(name, index)
            case .hostLink(let name):
                presence.bridge = names[name] == nil ? .absent : .ours
            case .address(let index, let text):
                guard let addresses, let prefix = IPPrefix(text) else { continue }
                if addresses[index]?.contains(prefix) != true { presence.addresses = .missing }
            case .nftTable(let family, let name, let rules):
                guard let tables else { continue }
                if tables[FilterTable(family: family, name: name)] != rules { presence.filter = .missing }
            case .process(_, let lease):
                guard addresses != nil else { continue }
                let path = store.runtimeDirectory(.network, record.uuid) + "/" + lease
                if try Dnsmasq.isMissing(at: path, features: store.features) { presence.dnsmasq = .missing }
            case .sysctl(let key):
                if forwarding?[key] == false { presence.forwarding = .missing }
            default: continue
            }
        }
        return presence
    }

    /// The ifindex decides: it was chosen at random before the bridge was made, so nobody else's has it.
    private func bridge(_ name: String, _ index: Int32) -> NetworkPresence.Bridge {
        if let link = bridges[index] { return link.name == name ? .ours : .renamed(link.name) }
        guard let other = names[name] else { return .absent }
        return .foreign("a bridge of the same name with ifindex \(other.index) is not ours")
    }
}
