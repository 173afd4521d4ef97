import ArgumentParser
import Lodge

struct DomIfAddr: Query {
    static let configuration = CommandConfiguration(
        commandName: "domifaddr", abstract: "Show the addresses that a domain's interfaces got by DHCP.")

    @OptionGroup var domain: DomainArgument
    @Option(help: ArgumentHelp("Where to look; lease is the one.", valueName: "source"), completion: .list(["lease"]))
    var source = "lease"
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if source != "lease" { throw ValidationError("no source '\(source)'; lease is the one") }
    }

    /// One address of one interface.
    struct Address: Encodable {
        var interface: String
        var mac: String
        var `protocol`: String
        var address: String
    }

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        let xml = try await domain.xml(.effective)
        let definition = try DomainDefinition(xml: Array(xml.utf8), file: domain.name)
        var addresses: [Address] = []
        for (index, interface) in definition.devices.interfaces.enumerated() {
            guard case .network(let name) = interface.source, let mac = interface.mac else { continue }
            for lease in try await host.network(name).leases(mac: mac.description) {
                addresses.append(
                    Address(
                        interface: interface.targetDevice ?? "net\(index)", mac: lease.mac, protocol: lease.protocol,
                        address: lease.address))
            }
        }
        try output.answer(addresses) {
            var table = Table("Name", "MAC address", "Protocol", "Address")
            for item in addresses { table.add(item.interface, item.mac, item.protocol, item.address) }
            return table.lines(quiet: output.quiet)
        }
    }
}
