import ArgumentParser
import Lodge

struct NetList: Query {
    static let configuration = CommandConfiguration(
        commandName: "net-list", abstract: "List networks; the active ones when nothing else is asked for.")

    @Flag(help: "List inactive networks only.")
    var inactive = false
    @Flag(help: "List inactive and active networks.")
    var all = false
    @Flag(help: "List persistent networks.")
    var persistent = false
    @Flag(help: "List transient networks.")
    var transient = false
    @Flag(help: "List networks that are started after boot.")
    var autostart = false
    @Flag(help: "List networks that are not.")
    var noAutostart = false
    @Flag(help: "Print names only.")
    var name = false
    @Flag(help: "Print UUIDs only.")
    var uuid = false
    @Flag(help: "Print a table (the default).")
    var table = false
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if table && (name || uuid) { throw ValidationError("--table goes with none of --name, --uuid") }
    }

    func run(on host: Host, _ output: Output) async throws {
        let networks = try await host.networks().filter(takes)
        try output.answer(networks) {
            if name || uuid { return networks.map(words) }
            var table = Table("Name", "State", "Autostart", "Persistent")
            for network in networks {
                table.add(
                    network.name, network.state.rawValue, Fields.yesNo(network.autostart),
                    Fields.yesNo(network.persistent))
            }
            return table.lines(quiet: output.quiet)
        }
    }

    private func takes(_ network: NetworkSummary) -> Bool {
        // What cannot be told apart from active is listed with it.
        let active = network.state != .inactive
        guard all || (inactive ? !active : active) else { return false }
        let persistence = (persistent && network.persistent) || (transient && !network.persistent)
        if (persistent || transient) && !persistence { return false }
        let starting = (autostart && network.autostart) || (noAutostart && !network.autostart)
        return !(autostart || noAutostart) || starting
    }

    private func words(_ network: NetworkSummary) -> String {
        var words: [String] = []
        if uuid { words.append(network.uuid?.lowercased ?? "-") }
        if name { words.append(network.name) }
        return words.joined(separator: " ")
    }
}
