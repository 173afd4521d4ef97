import ArgumentParser
import FoundationEssentials
import Lodge

struct NetInfo: Query {
    static let configuration = CommandConfiguration(commandName: "net-info", abstract: "Show what a network is.")

    @OptionGroup var network: NetworkArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let info = try await network.find(on: host).info()
        try output.answer(info) {
            Fields.lines([
                ("Name", info.name), ("UUID", info.uuid.lowercased),
                ("Active", info.state == .unknown ? "unknown" : Fields.yesNo(info.active)),
                ("Persistent", Fields.yesNo(info.persistent)), ("Autostart", Fields.yesNo(info.autostart)),
                ("Bridge", info.bridge), ("Mode", info.mode),
                ("Addresses", info.addresses.isEmpty ? nil : info.addresses.joined(separator: ", ")),
                ("Reason", info.reason),
            ])
        }
    }
}

struct NetDumpXML: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-dumpxml", abstract: "Print a network's XML: what runs, or what is defined when it does not.")

    @OptionGroup var network: NetworkArgument
    @Flag(help: "Print what its next start will use.")
    var inactive = false
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        try output.line(try await network.find(on: host).xml(inactive ? .persistent : .effective))
    }
}

/// What `net-name` and `net-uuid` answer in JSON.
struct NetworkIdentity: Encodable {
    var name: String
    var uuid: UUID

    init(of network: Network) {
        name = network.name
        uuid = network.uuid
    }
}

struct NetName: Query {
    static let configuration = CommandConfiguration(
        commandName: "net-name", abstract: "Convert a network UUID to its name.")

    @OptionGroup var network: NetworkArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let identity = NetworkIdentity(of: try await network.find(on: host))
        try output.answer(identity) { [identity.name] }
    }
}

struct NetUUID: Query {
    static let configuration = CommandConfiguration(
        commandName: "net-uuid", abstract: "Convert a network name to its UUID.")

    @OptionGroup var network: NetworkArgument
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let identity = NetworkIdentity(of: try await network.find(on: host))
        try output.answer(identity) { [identity.uuid.lowercased] }
    }
}
