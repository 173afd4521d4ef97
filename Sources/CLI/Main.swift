import ArgumentParser
import Glibc

/// Where the program begins: prepares the process, reads the arguments, runs one verb, and turns what went wrong into
/// `error:` and `hint:` lines and exit code 1.
@main
enum Main {
    static func main() async {
        Process.prepare()
        let arguments = Process.arguments
        await exit(run(CommandLineArguments.inOrder(arguments)))
    }

    private static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try await LodgeCommand.asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return Failure.report(error, arguments: arguments)
        }
    }
}
