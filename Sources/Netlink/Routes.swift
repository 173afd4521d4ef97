import CLibNL
import Glibc
public import LodgeCore
import SystemPackage

/// A unicast route of the main table.
public struct Route: Sendable, Hashable {
    public var destination: IPPrefix
    public var gateway: IPAddress?
    /// The interface that it leaves by; nil for routes over several.
    public var index: Int32?
    public var metric: UInt32?
    /// A router told it (IPv6), so it goes when the host stops listening to routers.
    public var isAdvertised = false

    public init(destination: IPPrefix, gateway: IPAddress? = nil, index: Int32? = nil, metric: UInt32? = nil) {
        self.destination = destination
        self.gateway = gateway
        self.index = index
        self.metric = metric
    }

    init?(_ message: ReceivedMessage) {
        guard message.type == Int(RTM_NEWROUTE), let header = message.payload.load(rtmsg.self),
            header.rtm_type == UInt8(RTN_UNICAST),
            header.rtm_family == UInt8(AF_INET) || header.rtm_family == UInt8(AF_INET6)
        else { return nil }
        var table = UInt32(header.rtm_table)
        var destination: IPAddress?
        var gateway: IPAddress?
        var index: Int32?
        var metric: UInt32?
        message.payload.dropFirst(MemoryLayout<rtmsg>.size).forEachAttribute { type, value in
            switch type {
            case Int(RTA_TABLE.rawValue): table = value.u32 ?? table
            case Int(RTA_DST.rawValue): destination = IPAddress(bytes: value.array)
            case Int(RTA_GATEWAY.rawValue): gateway = IPAddress(bytes: value.array)
            case Int(RTA_OIF.rawValue): index = value.load(Int32.self)
            case Int(RTA_PRIORITY.rawValue): metric = value.u32
            default: break
            }
        }
        guard table == UInt32(RT_TABLE_MAIN.rawValue) else { return nil }
        let family: IPAddress.Family = header.rtm_family == UInt8(AF_INET) ? .ipv4 : .ipv6
        guard let address = destination ?? IPAddress(family, value: 0),
            let prefix = IPPrefix(address, length: Int(header.rtm_dst_len))
        else { return nil }
        self.init(destination: prefix, gateway: gateway, index: index, metric: metric)
        isAdvertised = header.rtm_protocol == UInt8(RTPROT_RA)
    }
}

extension NetlinkSession {
    /// The unicast routes of the main table, both families.
    public func routes() throws(LodgeError) -> [Route] {
        var routes: [Route] = []
        for family in [AF_INET, AF_INET6] {
            let before = routes.count
            try dump(RTM_GETROUTE, "cannot list the routes") { message in
                var header = rtmsg()
                header.rtm_family = UInt8(family)
                message.append(header)
            } _: { message in
                if let route = Route(message) { routes.append(route) }
            } restart: {
                routes.removeLast(routes.count - before)
            }
        }
        return routes
    }

    /// Adds a route; one that is there already is left as it is.
    public func addRoute(_ route: Route) throws(LodgeError) {
        do {
            try change(RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_EXCL, "cannot add the route to \(route.destination)") {
                message in
                var header = rtmsg()
                header.rtm_family = UInt8(route.destination.family == .ipv4 ? AF_INET : AF_INET6)
                header.rtm_dst_len = UInt8(clamping: route.destination.length)
                header.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
                header.rtm_protocol = UInt8(RTPROT_STATIC)
                header.rtm_type = UInt8(RTN_UNICAST)
                header.rtm_scope = UInt8(route.gateway == nil ? RT_SCOPE_LINK.rawValue : RT_SCOPE_UNIVERSE.rawValue)
                message.append(header)
                message.put(RTA_DST.rawValue, route.destination.network.address.bytes)
                if let gateway = route.gateway { message.put(RTA_GATEWAY.rawValue, gateway.bytes) }
                if let index = route.index { message.put(RTA_OIF.rawValue, u32: UInt32(bitPattern: index)) }
                if let metric = route.metric { message.put(RTA_PRIORITY.rawValue, u32: metric) }
            }
        } catch {
            if error.code != .alreadyExists { throw error }
        }
    }
}
