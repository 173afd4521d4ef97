import ArgumentParser
import Lodge

struct List: Query {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List domains; the active ones when nothing else is asked for.")

    @OptionGroup(title: "Which") var filter: DomainFilter

    @Flag(help: "Print names only.")
    var name = false
    @Flag(help: "Print UUIDs only.")
    var uuid = false
    @Flag(help: "Print ids only.")
    var id = false
    @Flag(help: "Print a table (the default).")
    var table = false
    @Flag(help: "Show titles in the table.")
    var title = false

    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if table && (name || uuid || id) { throw ValidationError("--table goes with none of --name, --uuid, --id") }
    }

    func run(on host: Host, _ output: Output) async throws {
        let domains = try await host.domains(titles: title || output.json).filter(filter.takes)
        try output.answer(domains) {
            if name || uuid || id { return domains.map(words) }
            return rows(domains).lines(quiet: output.quiet)
        }
    }

    private func words(_ domain: DomainSummary) -> String {
        var words: [String] = []
        if id { words.append(domain.id.map(String.init) ?? "-") }
        if uuid { words.append(domain.uuid?.lowercased ?? "-") }
        if name { words.append(domain.name) }
        return words.joined(separator: " ")
    }

    private func rows(_ domains: [DomainSummary]) -> Table {
        var table = title ? Table("Id", "Name", "State", "Title") : Table("Id", "Name", "State")
        for domain in domains {
            let cells = [domain.id.map(String.init) ?? "-", domain.name, domain.state.rawValue]
            table.rows.append(title ? cells + [domain.title ?? ""] : cells)
        }
        return table
    }
}

/// virsh's filters: those of one kind widen, those of different kinds narrow the list.
struct DomainFilter: ParsableArguments {
    @Flag(help: "List inactive domains only.")
    var inactive = false
    @Flag(help: "List inactive and active domains.")
    var all = false
    @Flag(help: "List transient domains.")
    var transient = false
    @Flag(help: "List persistent domains.")
    var persistent = false
    @Flag(help: "List domains that are started after boot.")
    var autostart = false
    @Flag(help: "List domains that are not.")
    var noAutostart = false
    @Flag(help: "List running domains.")
    var stateRunning = false
    @Flag(help: "List paused domains.")
    var statePaused = false
    @Flag(help: "List domains that are shut off.")
    var stateShutoff = false
    @Flag(help: "List domains in other states.")
    var stateOther = false

    func takes(_ domain: DomainSummary) -> Bool {
        let active = domain.state.isActive
        // Asking for the state `shut off` is asking for inactive domains, as with virsh.
        guard all || (inactive ? !active : active || stateShutoff || stateOther) else { return false }
        let persistence = (persistent && domain.persistent) || (transient && !domain.persistent)
        if (persistent || transient) && !persistence { return false }
        let starting = (autostart && domain.autostart) || (noAutostart && !domain.autostart)
        if (autostart || noAutostart) && !starting { return false }
        if stateRunning || statePaused || stateShutoff || stateOther {
            switch domain.state {
            case .running: return stateRunning
            case .paused: return statePaused
            case .shutOff: return stateShutoff
            default: return stateOther
            }
        }
        return true
    }
}
