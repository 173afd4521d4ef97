/// Puts the options that every verb has behind the verb: `lodge --root DIR list` is `lodge list --root DIR`.
///
/// virsh takes its own options before the verb and the verb's after it; here the former may stand in both places.
enum CommandLineArguments {
    private static let withValue: Set<String> = ["--root", "--netns"]
    private static let flags: Set<String> = ["--quiet", "-q", "--json"]

    static func inOrder(_ arguments: [String]) -> [String] {
        var moved: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if flags.contains(first) || withValue.contains(where: { first.hasPrefix($0 + "=") }) {
                moved.append(rest.removeFirst())
            } else if withValue.contains(first), rest.count >= 2 {
                moved += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else {
                break
            }
        }
        guard let verb = rest.first, !verb.hasPrefix("-") else { return rest.isEmpty ? [] : arguments }
        return [verb] + moved + rest.dropFirst()
    }

    /// The verb, when the first word that is no option is one.
    static func verb(of arguments: [String]) -> String? {
        arguments.first.flatMap { $0.hasPrefix("-") ? nil : $0 }
    }
}
