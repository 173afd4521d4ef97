import ArgumentParser
import FoundationEssentials
import Lodge

struct MonitorCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "qemu-monitor-command", abstract: "Send one command to a domain's QEMU and print its answer.",
        discussion: """
            The command is QMP, as JSON: lodge qemu-monitor-command demo '{"execute":"query-status"}'. What it does to \
            the guest is between you and QEMU.
            """)

    @Argument(
        help: ArgumentHelp("Name, id or UUID, unless --domain gives it; then the command.", valueName: "word"),
        completion: Completion.domains)
    var words: [String] = []
    @Option(help: ArgumentHelp("Name, id or UUID.", valueName: "domain"), completion: Completion.domains)
    var domain: String?
    @Option(help: ArgumentHelp("The command.", valueName: "command"))
    var cmd: String?
    @Flag(help: "Print the answer on several lines.")
    var pretty = false
    @Flag(help: "Print only what stands under \"return\".")
    var returnValue = false
    @Flag(help: "The command is one for QEMU's own monitor, as in: info status.")
    var hmp = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if (domain == nil && words.isEmpty) || command.isEmpty {
            throw ValidationError("a domain and a command are wanted")
        }
    }

    private var command: String {
        ((domain == nil ? Array(words.dropFirst()) : words) + (cmd.map { [$0] } ?? [])).joined(separator: " ")
    }

    func run(on host: Host, _ output: Output) async throws {
        let domain = try await host.domain(domain ?? words.first ?? "")
        let request = hmp ? try Output.json(HumanCommand(line: command), onOneLine: true) : command
        let reply = try await domain.monitor(request)
        if hmp {
            let answer = try JSONDecoder().decode(HumanAnswer.self, from: Data(reply.utf8))
            try output.line(answer.return)
        } else if returnValue || pretty {
            let value = try JSONDecoder().decode(JSONValue.self, from: Data(reply.utf8))
            let shown = returnValue ? value.member("return") ?? value : value
            try output.line(try Output.json(shown, onOneLine: !pretty))
        } else {
            try output.line(reply)
        }
    }
}

/// QMP's way to QEMU's own monitor.
private struct HumanCommand: Encodable {
    struct Arguments: Encodable {
        var commandLine: String
        enum CodingKeys: String, CodingKey { case commandLine = "command-line" }
    }

    var execute = "human-monitor-command"
    var arguments: Arguments

    init(line: String) { arguments = Arguments(commandLine: line) }
}

private struct HumanAnswer: Decodable {
    var `return`: String
}
