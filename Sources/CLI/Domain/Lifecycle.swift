import ArgumentParser
import Lodge

/// How to start, for `start` and `create`.
struct StartFlags: ParsableArguments {
    @Flag(help: "Leave the guest paused before its first instruction.")
    var paused = false

    @Flag(help: "Start the networks it is plugged into when they are defined but inactive.")
    var withNetworks = false

    @Flag(help: "Attach to its console afterwards.")
    var console = false

    var options: StartOptions { StartOptions(paused: paused, withNetworks: withNetworks) }
}

struct Start: Verb {
    static let configuration = CommandConfiguration(
        commandName: "start", abstract: "Start a (previously defined) inactive domain.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var start: StartFlags
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.start(start.options)
        try output.confirm("Domain '\(domain.name)' started")
        if start.console { try await ConsoleSession.attach(to: domain, device: nil, force: false, output) }
    }
}

struct Shutdown: Verb {
    static let configuration = CommandConfiguration(
        commandName: "shutdown", abstract: "Press the guest's power button.",
        discussion: "Does not wait: the guest decides when, and whether.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.shutdown()
        try output.confirm("Domain '\(domain.name)' is being shutdown")
    }
}

struct Reset: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reset", abstract: "Reset a domain as by its reset button.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.reset()
        try output.confirm("Domain '\(domain.name)' was reset")
    }
}

struct Destroy: Verb {
    static let configuration = CommandConfiguration(
        commandName: "destroy", abstract: "Stop a domain at once.",
        discussion: "What it had not written to its disks is lost; its definition and its disks stay.")

    @OptionGroup var domain: DomainArgument
    @Flag(help: "Let QEMU write out what it holds, and fail rather than kill it.")
    var graceful = false
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.destroy(graceful: graceful)
        try output.confirm("Domain '\(domain.name)' destroyed")
    }
}

struct Suspend: Verb {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Pause a domain; it keeps its memory.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.suspend()
        try output.confirm("Domain '\(domain.name)' suspended")
    }
}

struct Resume: Verb {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let a paused domain go on.")

    @OptionGroup var domain: DomainArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.resume()
        try output.confirm("Domain '\(domain.name)' resumed")
    }
}

struct Autostart: Verb {
    static let configuration = CommandConfiguration(
        commandName: "autostart", abstract: "Have a domain started by the first command after each boot.")

    @OptionGroup var domain: DomainArgument
    @Flag(help: "Do so no longer.")
    var disable = false
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.setAutostart(!disable)
        try output.confirm("Domain '\(domain.name)' \(disable ? "unmarked" : "marked") as autostarted")
    }
}
