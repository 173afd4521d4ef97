import CLibNL
import Glibc
public import LodgeCore

/// A network interface as the kernel describes it.
public struct Link: Sendable, Hashable {
    public var index: Int32
    public var name: String
    /// `bridge`, `tun`, `veth`…; nil for hardware and loopback.
    public var kind: String?
    /// A text of ours that survives renaming; at most 255 bytes.
    public var alias: String?
    public var mac: MACAddress?
    /// The ifindex of the bridge that this is a port of.
    public var master: Int32?
    public var mtu: UInt32
    /// Administratively up.
    public var isUp: Bool
    /// A carrier is there: for a bridge, that a port has one.
    public var isRunning: Bool

    init?(_ message: ReceivedMessage) {
        guard message.type == Int(RTM_NEWLINK), let header = message.payload.load(ifinfomsg.self) else { return nil }
        index = header.ifi_index
        isUp = header.ifi_flags & UInt32(IFF_UP) != 0
        isRunning = header.ifi_flags & UInt32(IFF_RUNNING) != 0
        name = ""
        mtu = 0
        var name = ""
        var mtu: UInt32 = 0
        var mac: MACAddress?
        var master: Int32?
        var alias: String?
        var kind: String?
        message.payload.dropFirst(MemoryLayout<ifinfomsg>.size).forEachAttribute { type, value in
            switch type {
            case Int(IFLA_IFNAME): name = value.string
            case Int(IFLA_MTU): mtu = value.u32 ?? 0
            case Int(IFLA_ADDRESS): mac = MACAddress(bytes: value.array)
            case Int(IFLA_MASTER): master = value.load(Int32.self)
            case Int(IFLA_IFALIAS): alias = value.string
            case Int(IFLA_LINKINFO):
                value.forEachAttribute { type, value in
                    if type == Int(IFLA_INFO_KIND) { kind = value.string }
                }
            default: break
            }
        }
        guard index > 0, !name.isEmpty else { return nil }
        (self.name, self.mtu, self.mac, self.master, self.alias, self.kind) = (name, mtu, mac, master, alias, kind)
    }
}

/// The rule for names of interfaces that Lodge makes or refers to.
public enum LinkName {
    /// Bytes, without the NUL (`IFNAMSIZ` is 16).
    public static let limit = 15

    /// Why a text is no interface name; nil when it is one.
    ///
    /// Stricter than the kernel's rule (`dev_valid_name`): nft reads a trailing `*` as a wildcard, the kernel expands
    /// `%d`, and quotes and commas would need escaping in what is written for other programs.
    public static func fault(in name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > limit { return "is longer than \(limit) bytes" }
        if name == "." || name == ".." || name == "all" || name == "default" { return "is reserved" }
        if name.hasPrefix("-") { return "begins with '-'" }
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
            default: false
            }
        }
        return allowed ? nil : "holds a character other than letters, digits, '.', '-' and '_'"
    }

    /// - Throws: `invalidArgument` when the text is no interface name.
    public static func check(_ name: String) throws(LodgeError) {
        guard let fault = fault(in: name) else { return }
        throw LodgeError(
            .invalidArgument, "the interface name '\(name.prefix(40).escapedForMessage)' \(fault)",
            hint: "Use at most \(limit) letters, digits, '.', '-' and '_'")
    }

    /// An ifindex to create a link with: random out of 2³⁰, so that a namespace's own numbering, which begins at 1, and
    /// other namespaces do not meet it, and a record that names it names this link and no later one.
    public static func randomIndex() -> Int32 { Int32.random(in: 0x1000_0000...0x4fff_ffff) }
}

extension StringProtocol {
    /// Control characters made visible, so that a hostile name cannot move the cursor.
    var escapedForMessage: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
