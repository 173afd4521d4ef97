/// `<dns>`.
public struct NetworkDNS: Sendable, Hashable {
    /// `enable='no'`: no DNS server for this network.
    public var isEnabled: Bool?
    /// `no`: names without a dot are answered here or not at all.
    public var forwardPlainNames: Bool?
    public var forwarders: [Forwarder]
    public var texts: [Text]
    public var services: [Service]
    public var hosts: [Host]

    public init() {
        forwarders = []
        texts = []
        services = []
        hosts = []
    }

    /// Where questions go: to an address, a domain to an address, or a domain to the host's own resolvers.
    public struct Forwarder: Sendable, Hashable {
        public var address: IPAddress?
        public var domain: String?

        public init(address: IPAddress? = nil, domain: String? = nil) {
            self.address = address
            self.domain = domain
        }
    }

    /// A TXT record.
    public struct Text: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// An SRV record.
    public struct Service: Sendable, Hashable {
        public enum Transport: String, Sendable, Hashable, CaseIterable, XMLValue {
            case tcp, udp
        }

        public var service: String
        public var transport: Transport
        public var domain: String?
        public var target: String?
        public var port: UInt16?
        public var priority: UInt16?
        public var weight: UInt16?

        public init(service: String, transport: Transport) {
            self.service = service
            self.transport = transport
        }
    }

    /// Names of an address.
    public struct Host: Sendable, Hashable {
        public var address: IPAddress
        public var names: [String]

        public init(address: IPAddress, names: [String]) {
            self.address = address
            self.names = names
        }
    }
}

extension NetworkDNS {
    init(_ reader: ElementReader) {
        self.init()
        isEnabled = reader.yesNo("enable")
        forwardPlainNames = reader.yesNo("forwardPlainNames")
        forwarders = reader.children("forwarder") { child throws(LodgeError) in
            let forwarder = Forwarder(address: child.attribute("addr"), domain: child.dnsName("domain"))
            if forwarder.address == nil && forwarder.domain == nil {
                throw child.error("<forwarder> needs addr or domain", hint: "add addr='…'")
            }
            return forwarder
        }
        texts = reader.children("txt") { child throws(LodgeError) in
            let name = try child.requiredDNSName("name")
            _ = try child.required("value")
            return Text(name: name, value: child.line("value", limit: 255) ?? "")
        }
        services = reader.children("srv") { child throws(LodgeError) in try Service(child) }
        hosts = reader.children("host") { child throws(LodgeError) in
            let names = child.children("hostname") { name throws(LodgeError) in
                let text = name.text()
                if let fault = ElementReader.faultInDNSName(text) {
                    throw name.error("the name '\(excerpt(text))' \(fault)", hint: "use a name like host.example")
                }
                return text
            }
            if names.isEmpty {
                throw child.error("<host> has no <hostname>", hint: "add <hostname>…</hostname>")
            }
            return Host(address: try child.required("ip"), names: names)
        }
        let says = !forwarders.isEmpty || !texts.isEmpty || !services.isEmpty || !hosts.isEmpty
        if isEnabled == false && (says || forwardPlainNames != nil) {
            reader.record(
                "enable='no' and records or forwarders contradict each other",
                hint: "leave enable out, or the rest of <dns>", attribute: "enable")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("dns") { dns in
            dns.attribute("enable", yesNo: isEnabled)
            dns.attribute("forwardPlainNames", yesNo: forwardPlainNames)
            for forwarder in forwarders {
                dns.element("forwarder") { element in
                    element.attribute("domain", forwarder.domain)
                    element.attribute("addr", forwarder.address)
                }
            }
            for text in texts {
                dns.element("txt") { element in
                    element.attribute("name", text.name)
                    element.attribute("value", text.value)
                }
            }
            for service in services { service.write(to: &dns) }
            for host in hosts {
                dns.element("host") { element in
                    element.attribute("ip", host.address)
                    for name in host.names { element.element("hostname", text: name) }
                }
            }
        }
    }
}

extension NetworkDNS.Service {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        let service = try reader.requiredDNSName("service")
        let transport: Transport = try reader.required("protocol")
        self.init(service: service, transport: transport)
        domain = reader.dnsName("domain")
        // A dot alone says that the service is not offered.
        target = reader.attribute("target") == "." ? "." : reader.dnsName("target")
        port = reader.attribute("port", in: 1...UInt16.max)
        priority = reader.attribute("priority")
        weight = reader.attribute("weight")
        if target == nil && (port != nil || priority != nil || weight != nil) {
            reader.record("<srv> has a port, priority or weight, but no target", hint: "add target='…'")
        }
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("srv") { srv in
            srv.attribute("service", service)
            srv.attribute("protocol", transport)
            srv.attribute("domain", domain)
            srv.attribute("target", target)
            srv.attribute("port", port)
            srv.attribute("priority", priority)
            srv.attribute("weight", weight)
        }
    }
}
