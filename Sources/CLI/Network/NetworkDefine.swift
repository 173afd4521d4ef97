import ArgumentParser
import Lodge

struct NetDefine: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-define", abstract: "Define (but don't start) a network from an XML file.")

    @OptionGroup var file: FileArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let input = try file.read()
        let network = try await host.defineNetwork(xml: input.xml, file: input.file)
        try output.confirm("Network \(network.name) defined from \(file.name)")
    }
}

struct NetCreate: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-create", abstract: "Start a transient network from an XML file.",
        discussion: "Nothing of it is kept once it stops.")

    @OptionGroup var file: FileArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let input = try file.read()
        let network = try await host.createNetwork(xml: input.xml, file: input.file)
        try output.confirm("Network \(network.name) created from \(file.name)")
    }
}

struct NetUndefine: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-undefine", abstract: "Undefine an inactive network, or make an active one transient.")

    @OptionGroup var network: NetworkArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let network = try await network.find(on: host)
        try await network.undefine()
        try output.confirm("Network \(network.name) has been undefined")
    }
}
