import CLibNL
import Glibc
public import LodgeCore
import SystemPackage

/// An address of an interface.
public struct LinkAddress: Sendable, Hashable {
    public var index: Int32
    public var prefix: IPPrefix

    public init(index: Int32, prefix: IPPrefix) {
        self.index = index
        self.prefix = prefix
    }

    init?(_ message: ReceivedMessage) {
        guard message.type == Int(RTM_NEWADDR), let header = message.payload.load(ifaddrmsg.self) else { return nil }
        var local: IPAddress?
        var address: IPAddress?
        message.payload.dropFirst(MemoryLayout<ifaddrmsg>.size).forEachAttribute { type, value in
            switch type {
            case Int(IFA_LOCAL): local = IPAddress(bytes: value.array)
            case Int(IFA_ADDRESS): address = IPAddress(bytes: value.array)
            default: break
            }
        }
        guard let own = local ?? address, let prefix = IPPrefix(own, length: Int(header.ifa_prefixlen)) else {
            return nil
        }
        self.init(index: Int32(bitPattern: header.ifa_index), prefix: prefix)
    }
}

extension NetlinkSession {
    /// The addresses of one link, or of all, in one dump.
    public func addresses(index: Int32? = nil) throws(LodgeError) -> [LinkAddress] {
        var addresses: [LinkAddress] = []
        try dump(RTM_GETADDR, "cannot list the addresses") { message in
            var header = ifaddrmsg()
            if let index { header.ifa_index = UInt32(bitPattern: index) }
            message.append(header)
        } _: { message in
            if let address = LinkAddress(message), index == nil || address.index == index {
                addresses.append(address)
            }
        } restart: {
            addresses.removeAll()
        }
        return addresses
    }

    /// Gives a link an address; one that is there already is left as it is.
    ///
    /// IPv4 gets the broadcast address of its network. IPv6 goes without duplicate address detection: on a bridge that
    /// has no port yet it would never end, and nothing could bind to the address meanwhile.
    public func addAddress(_ prefix: IPPrefix, index: Int32, of name: String) throws(LodgeError) {
        do {
            try change(RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, "cannot give '\(name)' the address \(prefix)") {
                message in
                message.append(ifaddrmsg(prefix, index: index, flags: prefix.family == .ipv6 ? IFA_F_NODAD : 0))
                message.put(IFA_LOCAL, prefix.address.bytes)
                message.put(IFA_ADDRESS, prefix.address.bytes)
                if prefix.family == .ipv4 && prefix.length < 31 {
                    message.put(IFA_BROADCAST, prefix.last.bytes)
                }
            }
        } catch {
            if error.code != .alreadyExists { throw error }
        }
    }

    /// Takes an address away; one that is not there is no error.
    public func deleteAddress(_ prefix: IPPrefix, index: Int32, of name: String) throws(LodgeError) {
        do {
            try change(RTM_DELADDR, "cannot take the address \(prefix) from '\(name)'") { message in
                message.append(ifaddrmsg(prefix, index: index, flags: 0))
                message.put(IFA_LOCAL, prefix.address.bytes)
                message.put(IFA_ADDRESS, prefix.address.bytes)
            }
        } catch {
            if !error.isNoSuchAddress && !error.isNoSuchLink { throw error }
        }
    }
}

extension LodgeError {
    fileprivate var isNoSuchAddress: Bool {
        if case .netlink(let errno, _) = cause { errno == .addressNotAvailable } else { false }
    }
}

extension ifaddrmsg {
    fileprivate init(_ prefix: IPPrefix, index: Int32, flags: CInt) {
        self.init()
        ifa_family = UInt8(prefix.family == .ipv4 ? AF_INET : AF_INET6)
        ifa_prefixlen = UInt8(clamping: prefix.length)
        ifa_flags = UInt8(truncatingIfNeeded: flags)
        ifa_index = UInt32(bitPattern: index)
    }
}
