import ArgumentParser
import Lodge

struct ConsoleVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "console", abstract: "Connect this terminal to a guest's serial console; ^] leaves.")

    @OptionGroup var domain: DomainArgument
    @Option(help: ArgumentHelp("The one of this name: serial0, console1, …", valueName: "alias"))
    var devname: String?
    @Flag(help: "Connect although somebody else is connected.")
    var force = false
    @Flag(help: "Connect only when nobody else is; that is the default.")
    var safe = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if force && safe { throw ValidationError("--force and --safe contradict each other") }
    }

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await ConsoleSession.attach(to: domain, device: devname, force: force, output)
    }
}
