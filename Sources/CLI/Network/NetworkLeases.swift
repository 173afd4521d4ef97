import ArgumentParser
import FoundationEssentials
import Lodge

struct NetDHCPLeases: Query {
    static let configuration = CommandConfiguration(
        commandName: "net-dhcp-leases", abstract: "Show the addresses that a network has given out.")

    @OptionGroup var network: NetworkArgument
    @Option(help: ArgumentHelp("Only those of this hardware address.", valueName: "mac"))
    var mac: String?
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let leases = try await network.find(on: host).leases(mac: mac)
        try output.answer(leases) {
            var table = Table("Expiry Time", "MAC address", "Protocol", "IP address", "Hostname", "Client ID or DUID")
            for lease in leases {
                table.add(
                    Self.time(lease.expiry), lease.mac, lease.protocol, lease.address, lease.hostname ?? "-",
                    lease.clientID ?? "-")
            }
            return table.lines(quiet: output.quiet)
        }
    }

    /// The local time, as virsh prints it.
    private static func time(_ seconds: Int64) -> String {
        seconds == 0 ? "never" : LocalTime.text(secondsSince1970: seconds, "%Y-%m-%d %H:%M:%S")
    }
}
