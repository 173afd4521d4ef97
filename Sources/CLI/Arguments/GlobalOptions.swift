import ArgumentParser
import FoundationEssentials
import Glibc
import Lodge

/// What every verb takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep everything below this directory; the default is LODGE_ROOT, or the system's or the user's own.",
            valueName: "dir"),
        completion: .directory)
    var root: String?

    @Option(
        help: ArgumentHelp("Work in this network namespace: a name in /run/netns or a path.", valueName: "name|path"))
    var netns: String?

    @Flag(name: [.short, .long], help: "Print no headers and no confirmations.")
    var quiet = false

    func hostOptions() throws(LodgeError) -> Host.Options {
        try Self.hostOptions(root: root, netns: netns)
    }

    static func hostOptions(root: String?, netns: String?) throws(LodgeError) -> Host.Options {
        var options = Host.Options(root: try rootDirectory(root))
        if let netns {
            let path = netns.contains("/") ? Process.absolute(netns) : "/run/netns/" + netns
            options.networkNamespace = try NetworkNamespace.open(path: path)
        }
        // One thread makes the order of all calls the same each time: what the crash tests need.
        if let threads = ProcessInfo.processInfo.environment["LODGE_THREADS"].flatMap({ Int($0) }), threads > 0 {
            options.threads = threads
        }
        return options
    }

    private static func rootDirectory(_ given: String?) throws(LodgeError) -> RootDirectory {
        let environment = ProcessInfo.processInfo.environment
        if let path = given ?? environment["LODGE_ROOT"], !path.isEmpty {
            return try RootDirectory(under: Process.absolute(path))
        }
        return getuid() == 0 ? .system : try .user(environment: environment)
    }
}

/// What every query takes.
struct QueryOptions: ParsableArguments {
    @Flag(help: "Answer in JSON.")
    var json = false
}
