import ArgumentParser
import Lodge

struct NetStart: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-start", abstract: "Start a (previously defined) inactive network.")

    @OptionGroup var network: NetworkArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let network = try await network.find(on: host)
        try await network.start()
        try output.confirm("Network \(network.name) started")
    }
}

struct NetDestroy: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-destroy", abstract: "Stop a network; its definition stays.")

    @OptionGroup var network: NetworkArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let network = try await network.find(on: host)
        try await network.destroy()
        try output.confirm("Network \(network.name) destroyed")
    }
}

struct NetAutostart: Verb {
    static let configuration = CommandConfiguration(
        commandName: "net-autostart", abstract: "Have a network started by the first command after each boot.")

    @OptionGroup var network: NetworkArgument
    @Flag(help: "Do so no longer.")
    var disable = false
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let network = try await network.find(on: host)
        try await network.setAutostart(!disable)
        try output.confirm("Network \(network.name) \(disable ? "unmarked" : "marked") as autostarted")
    }
}
