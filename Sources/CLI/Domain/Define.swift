import ArgumentParser
import Lodge

struct Define: Verb {
    static let configuration = CommandConfiguration(
        commandName: "define", abstract: "Define (but don't start) a domain from an XML file.",
        discussion: """
            A domain of the same UUID gets the new definition; what runs keeps the old one until its next start.
            """)

    @OptionGroup var file: FileArgument
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let input = try file.read()
        let domain = try await host.define(xml: input.xml, file: input.file)
        try output.confirm("Domain '\(domain.name)' defined from \(file.name)")
    }
}

struct Undefine: Verb {
    static let configuration = CommandConfiguration(
        commandName: "undefine", abstract: "Undefine an inactive domain, or make a running one transient.")

    @OptionGroup var domain: DomainArgument
    @Flag(help: "Remove the file with its UEFI variables too.")
    var nvram = false
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await domain.find(on: host)
        try await domain.undefine(nvram: nvram)
        try output.confirm("Domain '\(domain.name)' has been undefined")
    }
}

struct Create: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Start a transient domain from an XML file.",
        discussion: "Nothing of it is kept once it stops.")

    @OptionGroup var file: FileArgument
    @OptionGroup var start: StartFlags
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        let input = try file.read()
        let domain = try await host.create(xml: input.xml, file: input.file, options: start.options)
        try output.confirm("Domain '\(domain.name)' created from \(file.name)")
        if start.console { try await ConsoleSession.attach(to: domain, device: nil, force: false, output) }
    }
}
