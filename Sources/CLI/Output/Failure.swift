import ArgumentParser
import Glibc
import Lodge

/// What went wrong, for people: `error:` lines, each with its `hint:` line where there is one, on standard error.
enum Failure {
    /// Prints it and returns the exit code: 0 for what was only a request for help, else 1.
    static func report(_ error: any Error, arguments: [String]) -> Int32 {
        switch error {
        case let error as LodgeError:
            print(error)
        case let error as OutputError:
            // The reader had enough; nobody is to be told.
            if error.code == EPIPE { return 1 }
            complain("cannot write to standard output: \(InputFile.text(error.code))")
        case is QuietFailure:
            break
        case is CancellationError:
            complain("cancelled")
        default:
            return reportParser(error, arguments: arguments)
        }
        return 1
    }

    /// ArgumentParser's errors, and its requests for help, version and completions, which are no errors.
    private static func reportParser(_ error: any Error, arguments: [String]) -> Int32 {
        if LodgeCommand.exitCode(for: error).isSuccess {
            do {
                try Output.write(LodgeCommand.fullMessage(for: error) + "\n", to: STDOUT_FILENO)
                return 0
            } catch {
                return error.code == EPIPE ? 1 : report(error, arguments: arguments)
            }
        }
        let verb = CommandLineArguments.verb(of: arguments)
        if let verb, !LodgeCommand.verbs.contains(verb), verb != "help" {
            let near = LodgeCommand.verbs.filter { Spelling.isNear(verb, $0) }
            complain(
                "unknown command: '\(verb)'",
                hint: near.isEmpty ? "lodge --help lists the commands" : "did you mean \(near.joined(separator: ", "))?"
            )
            return 1
        }
        let known = verb.map { " \($0)" } ?? ""
        complain(LodgeCommand.message(for: error), hint: "lodge\(known) --help says what it takes")
        return 1
    }

    private static func print(_ error: LodgeError) {
        var plain = error
        plain.hint = nil
        plain.others = []
        complain(plain.description, hint: error.hint)
        for other in error.others { print(other) }
    }

    static func complain(_ text: String, hint: String? = nil) {
        let hintLine = hint.map { "hint: \($0)\n" } ?? ""
        try? Output.write("error: \(text)\n\(hintLine)", to: STDERR_FILENO)
    }
}

/// The command failed and everything was said already.
struct QuietFailure: Error {}
