/// A program to be started, with everything that it gets.
///
/// Beside what is said here the child has: a session of its own, `/` as its directory, umask 077, default signal
/// dispositions, no blocked signals, core size 0. Scheduling, limits, cgroup and namespaces are those of the thread
/// that starts it.
public struct LaunchSpec: Sendable {
    /// What one of the three standard descriptors is.
    public enum Standard: Sendable, Hashable {
        case null
        case descriptor(CInt)
    }

    /// Where the child's descriptor comes from, and its number there.
    public struct Descriptor: Sendable, Hashable {
        public var source: CInt
        public var target: CInt

        public init(source: CInt, target: CInt) {
            self.source = source
            self.target = target
        }
    }

    /// The file whose lock lasts as long as the process.
    public struct LeaseFile: Sendable, Hashable {
        public var path: String
        /// The descriptor's number in the child, where it stays open over exec.
        public var target: CInt

        public init(path: String, target: CInt) {
            self.path = path
            self.target = target
        }
    }

    /// The file in which the child claims what no other may have, for as long as it lives.
    public struct ClaimsFile: Sendable, Hashable {
        public var path: String
        /// The descriptor's number in the child, where it stays open over exec.
        public var target: CInt
        public var claims: [Claim]

        public init(path: String, target: CInt, claims: [Claim]) {
            self.path = path
            self.target = target
            self.claims = claims
        }
    }

    /// An absolute path.
    public var executable: String
    /// `argv`, the program's name first.
    public var arguments: [String]
    /// The whole environment, as `NAME=value`.
    public var environment: [String]
    /// Exactly these, the three standard ones and the lease exist in the child. Borrowed: they stay the caller's.
    public var descriptors: [Descriptor] = []
    public var standardInput = Standard.null
    public var standardOutput = Standard.null
    public var standardError = Standard.null
    public var lease: LeaseFile?
    public var claims: ClaimsFile?
    /// Kept in all sets over exec; every other one is dropped from all of them.
    public var capabilities: Set<Capability> = []
    public var noNewPrivileges = true
    /// Whether it is killed when the thread that starts it ends, which must then wait for it: for a program that only
    /// answers a question, and that nobody would look for if the manager were killed (prctl(2), `PR_SET_PDEATHSIG`).
    public var endsWithCaller = false

    public init(
        executable: String, arguments: [String], environment: [String] = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
    }

    /// Refuses what could not be handed over as it is.
    func check() throws(LodgeError) {
        func refuse(_ why: String) -> LodgeError {
            LodgeError(.invalidArgument, "cannot start '\(executable)': \(why)")
        }
        guard executable.hasPrefix("/") else { throw refuse("not an absolute path") }
        guard !arguments.isEmpty else { throw refuse("no arguments, not even its name") }
        for text in [executable] + arguments + environment where text.utf8.contains(0) {
            throw refuse("a NUL character in '\(text.prefix { $0 != "\0" })…'")
        }
        for entry in environment where !entry.utf8.dropFirst().contains(UInt8(ascii: "=")) {
            throw refuse("'\(entry)' is no environment entry")
        }
        var targets: Set<CInt> = [0, 1, 2]
        for target in descriptors.map(\.target) + (lease.map { [$0.target] } ?? [])
            + (claims.map { [$0.target] } ?? [])
        {
            guard target > 2, target < 1 << 16 else { throw refuse("\(target) is no number for a descriptor") }
            guard targets.insert(target).inserted else { throw refuse("two descriptors for the number \(target)") }
        }
    }
}
