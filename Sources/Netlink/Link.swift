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
