import ArgumentParser
import Lodge

/// A domain, given as virsh takes it: as the first word or with `--domain`.
struct DomainArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("Name, id or UUID.", valueName: "domain"), completion: Completion.domains)
    var word: String?

    @Option(
        name: .customLong("domain"), help: ArgumentHelp("The same, as an option.", valueName: "domain"),
        completion: Completion.domains)
    var option: String?

    func validate() throws { try Choice.check(word, option, name: "domain") }

    func find(on host: Host) async throws(LodgeError) -> Domain { try await host.domain(word ?? option ?? "") }
}

/// A network, as the first word or with `--network`.
struct NetworkArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("Name or UUID.", valueName: "network"), completion: Completion.networks)
    var word: String?

    @Option(
        name: .customLong("network"), help: ArgumentHelp("The same, as an option.", valueName: "network"),
        completion: Completion.networks)
    var option: String?

    func validate() throws { try Choice.check(word, option, name: "network") }

    func find(on host: Host) async throws(LodgeError) -> Network { try await host.network(word ?? option ?? "") }
}

/// A file with XML, as the first word or with `--file`.
struct FileArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp("File with the XML; - is standard input.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var word: String?

    @Option(
        name: .customLong("file"), help: ArgumentHelp("The same, as an option.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var option: String?

    func validate() throws { try Choice.check(word, option, name: "file") }

    var name: String { word ?? option ?? "" }

    func read() throws(LodgeError) -> (xml: [UInt8], file: String) { try InputFile.read(name) }
}

/// One of two ways to say the same thing.
enum Choice {
    static func check(_ word: String?, _ option: String?, name: String) throws {
        if word != nil && option != nil { throw ValidationError("the \(name) is given twice") }
        if word == nil && option == nil { throw ValidationError("the \(name) is missing") }
    }
}
