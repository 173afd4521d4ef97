import ArgumentParser
import Lodge

struct DumpXML: Verb {
    static let configuration = CommandConfiguration(
        commandName: "dumpxml", abstract: "Print a domain's XML: what runs, or what is defined when it does not run.")

    @OptionGroup var domain: DomainArgument
    @Flag(help: "Print what its next start will use.")
    var inactive = false
    @OptionGroup var global: GlobalOptions

    func run(on host: Host, _ output: Output) async throws {
        try output.line(try await domain.find(on: host).xml(inactive ? .persistent : .effective))
    }
}

struct DomXMLToNative: Query {
    static let configuration = CommandConfiguration(
        commandName: "domxml-to-native", abstract: "Print the QEMU command line that a domain's XML becomes.")

    @Argument(help: "The format; qemu-argv is the one.", completion: .list(["qemu-argv"]))
    var formatName: String?
    @Argument(
        help: ArgumentHelp("File with the XML; - is standard input.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var word: String?
    @Option(
        name: .customLong("format"), help: ArgumentHelp("The format, as an option.", valueName: "format"),
        completion: .list(["qemu-argv"]))
    var formatOption: String?
    @Option(
        help: ArgumentHelp("Name, id or UUID of a domain instead of a file.", valueName: "domain"),
        completion: Completion.domains)
    var domain: String?
    @Option(help: ArgumentHelp("The file, as an option.", valueName: "file"), completion: .file(extensions: ["xml"]))
    var xml: String?
    @OptionGroup var format: QueryOptions
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        let format = formatOption ?? formatName
        if format != "qemu-argv" {
            throw ValidationError(format.map { "no format '\($0)'; qemu-argv is the one" } ?? "the format is missing")
        }
        let files = [xml, word, formatOption == nil ? nil : formatName, domain].compactMap(\.self)
        if files.count != 1 { throw ValidationError("give a domain or a file with XML, and not both") }
    }

    func run(on host: Host, _ output: Output) async throws {
        let arguments: [String]
        if let domain {
            arguments = try await host.domain(domain).nativeArguments()
        } else {
            let input = try InputFile.read(xml ?? word ?? formatName ?? "")
            arguments = try await host.nativeArguments(xml: input.xml, file: input.file)
        }
        try output.answer(arguments) { [Self.shellText(arguments)] }
    }

    /// One option with its value a line, quoted so that a shell reads the same words.
    static func shellText(_ arguments: [String]) -> String {
        arguments.enumerated().map { index, argument in
            let separator = index == 0 ? "" : argument.hasPrefix("-") ? " \\\n" : " "
            return separator + quoted(argument)
        }.joined()
    }

    private static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_=,./:+@%".utf8.contains(byte)
            }
        }
        if plain && !text.isEmpty { return text }
        return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }
}

struct Log: Verb {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Print the end of what QEMU said about a domain.")

    @OptionGroup var domain: DomainArgument
    @Option(help: ArgumentHelp("At most so many bytes.", valueName: "count"))
    var bytes = 65536
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if !(1...(64 << 20)).contains(bytes) { throw ValidationError("--bytes takes 1 to \(64 << 20)") }
    }

    func run(on host: Host, _ output: Output) async throws {
        try output.bytes(try await domain.find(on: host).log(lastBytes: bytes))
    }
}
