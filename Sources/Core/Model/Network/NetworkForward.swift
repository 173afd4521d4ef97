/// `<forward>`: how guests reach what is outside the network's bridge.
public struct NetworkForward: Sendable, Hashable {
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// Outwards under the host's address.
        case nat
        /// Both ways, with the guests' own addresses.
        case route
        /// No rules of ours at all.
        case open
        /// An existing bridge of the host.
        case bridge
    }

    public var mode: Mode
    /// The only interface that is forwarded to; nil: any.
    public var device: String?
    public var nat: NAT?

    public init(mode: Mode, device: String? = nil, nat: NAT? = nil) {
        self.mode = mode
        self.device = device
        self.nat = nat
    }

    /// `<nat>`.
    public struct NAT: Sendable, Hashable {
        /// Whether IPv6 is translated too; it is routed otherwise.
        public var ipv6: Bool?
        /// The addresses that guests appear under; nil: that of the outgoing interface.
        public var addresses: ClosedRange<IPAddress>?
        public var ports: ClosedRange<UInt16>?

        public init(ipv6: Bool? = nil, addresses: ClosedRange<IPAddress>? = nil, ports: ClosedRange<UInt16>? = nil) {
            self.ipv6 = ipv6
            self.addresses = addresses
            self.ports = ports
        }
    }
}

extension NetworkForward.Mode: XMLValue {
    public static var refused: [String: String] {
        let macvtap = "macvtap networks are planned; mode='bridge' with <bridge name='…'/> uses a bridge of the host"
        return [
            "private": macvtap, "vepa": macvtap, "passthrough": macvtap,
            "hostdev": "pools of virtual functions are planned; use mode='nat', 'route', 'open' or 'bridge'",
        ]
    }
}

extension NetworkForward {
    init(_ reader: ElementReader) throws(LodgeError) {
        // A mode that is not understood is recorded, so the value never gets out.
        let mode = reader.attribute("mode", as: Mode.self) ?? .nat
        self.init(mode: mode, device: reader.attribute("dev"))
        let interfaces = reader.children("interface") { child throws(LodgeError) in
            _ = child.attribute("connections")
            return try child.required("dev")
        }
        if mode == .bridge, device != nil || !interfaces.isEmpty {
            throw reader.error(
                "mode='bridge' on a device of the host (macvtap) is not supported", code: .unsupported,
                hint: "macvtap is planned; put the device into a bridge and name that with <bridge name='…'/>")
        }
        if interfaces.count > 1 || (device != nil && !interfaces.isEmpty && interfaces != [device]) {
            reader.record(
                "more than one device to forward to", code: .unsupported,
                hint: "keep one, or none to forward to all of them")
        }
        device = device ?? interfaces.first
        if let device, let fault = LinkName.fault(in: device) {
            reader.record("the device name '\(excerpt(device))' \(fault)", hint: "name an interface of the host")
        }
        nat = reader.child("nat") { child throws(LodgeError) in NAT(child) }
        if nat != nil, mode != .nat {
            reader.record("<nat> in mode '\(mode.rawValue)'", hint: "use mode='nat', or leave <nat> out")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("forward") { forward in
            forward.attribute("dev", device)
            forward.attribute("mode", mode)
            nat?.write(to: &forward)
            if let device { forward.element("interface", "dev", device) }
        }
    }
}

extension NetworkForward.NAT {
    fileprivate init(_ reader: ElementReader) {
        self.init(ipv6: reader.yesNo("ipv6"))
        addresses = reader.child("address") { child throws(LodgeError) in
            let start: IPAddress = try child.required("start")
            let end: IPAddress = try child.required("end")
            guard start.family == .ipv4, end.family == .ipv4, start <= end else {
                throw child.error(
                    "\(start) to \(end) is no range of IPv4 addresses", hint: "give the lower IPv4 address as start")
            }
            return start...end
        }
        ports = reader.child("port") { child throws(LodgeError) in
            let start: UInt16 = try child.required("start")
            let end: UInt16 = try child.required("end")
            guard start > 0, start <= end else {
                throw child.error("\(start) to \(end) is no range of ports", hint: "give the lower port as start")
            }
            return start...end
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("nat") { nat in
            nat.attribute("ipv6", yesNo: ipv6)
            if let addresses {
                nat.element("address") { range in
                    range.attribute("start", addresses.lowerBound)
                    range.attribute("end", addresses.upperBound)
                }
            }
            if let ports {
                nat.element("port") { range in
                    range.attribute("start", ports.lowerBound)
                    range.attribute("end", ports.upperBound)
                }
            }
        }
    }
}
