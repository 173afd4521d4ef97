/// Something outside that belongs to an object, written into its record before it is made. The list of a record is
/// what taking the object away has to take away.
public enum Resource: Sendable, Hashable {
    /// A link: `kind` as the kernel says it (bridge, tun, macvtap), `index` chosen before it is made, unique on the host.
    case link(name: String, index: Int32, kind: String, mac: MACAddress?)
    /// An existing link that something was attached to: the bridge that a tap is a port of.
    case port(link: String, of: String)
    /// A link of the host that is used, and left alone.
    case hostLink(name: String)
    /// An address of a link made here; it goes with the link.
    case address(index: Int32, prefix: String)
    /// A packet filter table, and how many rules it has when it is whole.
    case nftTable(family: String, name: String, rules: Int)
    /// A process of ours: what it is, and the name of its lease in the object's run directory.
    case process(role: String, lease: String)
    /// A kernel setting, held through `run/host/`, where its old value is.
    case sysctl(key: String)
    /// A TCP port of this host.
    case tcpPort(Int)
    /// A disk in use, by the file behind the path.
    case disk(device: UInt64, inode: UInt64, path: String, shared: Bool)
    /// A PCI device given to a guest: its address and what drove it before.
    case pci(address: String, driver: String?)
    /// A file or socket outside the object's run directory.
    case file(path: String)
}

extension Resource: Encodable {
    private enum Key: String, CodingKey {
        case type, name, index, kind, mac, link, of, family, role, lease, key, port, device, inode, path, shared
        case address, driver, prefix, rules
    }

    private enum Kind: String, Codable {
        case link, port, hostLink, address, nftTable = "nft", process, sysctl, tcpPort = "tcp", disk, pci, file
    }

    init(_ json: RecordJSON) throws(RecordJSON.Fault) {
        var fields = try RecordJSON.Fields(json, "resource")
        guard let kind = Kind(rawValue: try fields.string("type")) else { throw .wrong("type") }
        switch kind {
        case .link:
            let name = try fields.string("name")
            let mac: MACAddress?
            if let text = try fields.optionalString("mac") {
                mac = MACAddress(text)
                if mac == nil { throw .wrong("mac") }
            } else {
                mac = nil
            }
            self = .link(name: name, index: try fields.integer("index"), kind: try fields.string("kind"), mac: mac)
        case .port: self = .port(link: try fields.string("link"), of: try fields.string("of"))
        case .hostLink: self = .hostLink(name: try fields.string("name"))
        case .address: self = .address(index: try fields.integer("index"), prefix: try fields.string("prefix"))
        case .nftTable:
            self = .nftTable(
                family: try fields.string("family"), name: try fields.string("name"),
                rules: try fields.integer("rules"))
        case .process: self = .process(role: try fields.string("role"), lease: try fields.string("lease"))
        case .sysctl: self = .sysctl(key: try fields.string("key"))
        case .tcpPort: self = .tcpPort(try fields.integer("port"))
        case .disk:
            self = .disk(
                device: try fields.integer("device"), inode: try fields.integer("inode"),
                path: try fields.string("path"), shared: try fields.optionalBool("shared") ?? false)
        case .pci: self = .pci(address: try fields.string("address"), driver: try fields.optionalString("driver"))
        case .file: self = .file(path: try fields.string("path"))
        }
        try fields.finish()
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        func type(_ kind: Kind) throws { try container.encode(kind, forKey: .type) }
        func string(_ value: String, _ key: Key) throws { try container.encode(value, forKey: key) }
        switch self {
        case .link(let name, let index, let kind, let mac):
            try type(.link)
            try string(name, .name)
            try container.encode(index, forKey: .index)
            try string(kind, .kind)
            try container.encodeIfPresent(mac, forKey: .mac)
        case .port(let link, let bridge):
            try type(.port)
            try string(link, .link)
            try string(bridge, .of)
        case .hostLink(let name):
            try type(.hostLink)
            try string(name, .name)
        case .address(let index, let prefix):
            try type(.address)
            try container.encode(index, forKey: .index)
            try string(prefix, .prefix)
        case .nftTable(let family, let name, let rules):
            try type(.nftTable)
            try string(family, .family)
            try string(name, .name)
            try container.encode(rules, forKey: .rules)
        case .process(let role, let lease):
            try type(.process)
            try string(role, .role)
            try string(lease, .lease)
        case .sysctl(let key):
            try type(.sysctl)
            try string(key, .key)
        case .tcpPort(let port):
            try type(.tcpPort)
            try container.encode(port, forKey: .port)
        case .disk(let device, let inode, let path, let shared):
            try type(.disk)
            try container.encode(device, forKey: .device)
            try container.encode(inode, forKey: .inode)
            try string(path, .path)
            if shared { try container.encode(shared, forKey: .shared) }
        case .pci(let address, let driver):
            try type(.pci)
            try string(address, .address)
            try container.encodeIfPresent(driver, forKey: .driver)
        case .file(let path):
            try type(.file)
            try string(path, .path)
        }
    }
}
