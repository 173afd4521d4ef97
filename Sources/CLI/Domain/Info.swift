import ArgumentParser
import FoundationEssentials
import Lodge

struct DomState: Query {
    static let configuration = CommandConfiguration(commandName: "domstate", abstract: "Say what a domain is doing.")

    @OptionGroup var domain: DomainArgument
    @Flag(help: "Say also why.")
    var reason = false
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let status = try await domain.find(on: host).status()
        try output.answer(status) {
            if let note = status.note { output.note(note) }
            return [reason ? "\(status.state.rawValue) (\(status.reason))" : status.state.rawValue]
        }
    }
}

struct DomInfo: Query {
    static let configuration = CommandConfiguration(commandName: "dominfo", abstract: "Show what a domain is and has.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let info = try await domain.find(on: host).info()
        try output.answer(info) {
            Fields.lines(Self.fields(of: info))
        }
    }

    private static func fields(of info: DomainInfo) -> [(String, String?)] {
        var fields: [(String, String?)] = []
        fields.append(("Id", info.id.map(String.init) ?? "-"))
        fields.append(("Name", info.name))
        fields.append(("UUID", info.uuid?.lowercased))
        fields.append(("Title", info.title))
        fields.append(("OS Type", info.osType))
        fields.append(("State", info.state.rawValue))
        fields.append(("Reason", info.reason))
        fields.append(("Note", info.note))
        fields.append(("CPU(s)", String(info.cpus)))
        fields.append(("CPU time", info.cpuTimeNanoseconds.map(Self.seconds)))
        fields.append(("Max memory", "\(info.maxMemoryKiB) KiB"))
        fields.append(("Used memory", "\(info.usedMemoryKiB) KiB"))
        fields.append(("Persistent", Fields.yesNo(info.persistent)))
        fields.append(("Autostart", info.autostart ? "enable" : "disable"))
        fields.append(("PID", info.pid.map(String.init)))
        fields.append(("Supervisor", info.supervisor))
        fields.append(("Emulator", info.emulator))
        return fields
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        let tenths = nanoseconds / 100_000_000
        return "\(tenths / 10).\(tenths % 10)s"
    }
}

/// What `domid`, `domname` and `domuuid` answer in JSON.
struct DomainIdentity: Encodable {
    var id: Int?
    var name: String
    var uuid: UUID

    init(of domain: Domain, on host: Host) async throws(LodgeError) {
        id = try await host.domains().first { $0.uuid == domain.uuid }?.id
        name = domain.name
        uuid = domain.uuid
    }
}

struct DomID: Query {
    static let configuration = CommandConfiguration(
        commandName: "domid", abstract: "Convert a domain name or UUID to its id.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let identity = try await DomainIdentity(of: try await domain.find(on: host), on: host)
        try output.answer(identity) { [identity.id.map(String.init) ?? "-"] }
    }
}

struct DomName: Query {
    static let configuration = CommandConfiguration(
        commandName: "domname", abstract: "Convert a domain id or UUID to its name.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let identity = try await DomainIdentity(of: try await domain.find(on: host), on: host)
        try output.answer(identity) { [identity.name] }
    }
}

struct DomUUID: Query {
    static let configuration = CommandConfiguration(
        commandName: "domuuid", abstract: "Convert a domain name or id to its UUID.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let identity = try await DomainIdentity(of: try await domain.find(on: host), on: host)
        try output.answer(identity) { [identity.uuid.lowercased] }
    }
}
