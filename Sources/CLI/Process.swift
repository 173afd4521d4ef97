import Glibc

/// What the command does to its own process, which a library must not.
enum Process {
    /// A reader of our output that goes away is an error of `write`, not a signal. And descriptors 0 to 2 are always
    /// open, so that no file of ours is taken for standard output; the wrong way round, so that using them still fails.
    static func prepare() {
        _ = signal(SIGPIPE, SIG_IGN)
        for (descriptor, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free descriptor is this one, since they are taken in order.
            _ = unsafe open("/dev/null", mode)
        }
    }

    static var arguments: [String] { Array(CommandLine.arguments.dropFirst()) }

    /// The absolute form of a path that the user gave relative to where they stand.
    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(here) }
        return unsafe String(cString: here) + "/" + path
    }
}
