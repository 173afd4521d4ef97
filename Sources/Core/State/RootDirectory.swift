import Glibc

/// Where everything is kept: definitions, runtime state, images, logs, caches.
public struct RootDirectory: Sendable, Hashable {
    /// What survives a reboot: definitions and autostart marks.
    public var etc: String
    /// What belongs to this boot: records, locks, sockets.
    public var run: String
    /// Images, NVRAM, saves.
    public var lib: String
    public var log: String
    public var cache: String

    /// The whole system's, for root: `/etc/lodge`, `/run/lodge`, `/var/lib/lodge`, `/var/log/lodge`,
    /// `/var/cache/lodge`.
    public static let system = RootDirectory(
        etc: "/etc/lodge", run: "/run/lodge", lib: "/var/lib/lodge", log: "/var/log/lodge", cache: "/var/cache/lodge")

    /// One folder for all: `DIR/etc`, `DIR/run`, …
    ///
    /// - Throws: `.invalidArgument` for a path that is not absolute, since the working directory is the host program's
    ///   and may change.
    public init(under path: String) throws(LodgeError) {
        guard path.hasPrefix("/"), !path.utf8.contains(0), !path.contains(where: \.isNewline) else {
            throw LodgeError(
                .invalidArgument, "the root directory '\(path)' is not an absolute path",
                hint: "give a path that begins with '/'")
        }
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        let base = path == "/" ? "" : path
        self.init(
            etc: base + "/etc", run: base + "/run", lib: base + "/lib", log: base + "/log", cache: base + "/cache")
    }

    /// The calling user's, as the XDG base directory specification has it.
    ///
    /// - Parameter environment: `HOME` and the `XDG_…` variables; relative paths in them are void, as it says there.
    public static func user(environment: [String: String]) throws(LodgeError) -> RootDirectory {
        func path(_ name: String) -> String? {
            guard let value = environment[name], value.hasPrefix("/"), !value.utf8.contains(0) else { return nil }
            return value
        }
        guard let home = path("HOME") else {
            throw LodgeError(
                .invalidArgument, "HOME is not set to an absolute path", hint: "set HOME, or name a root directory")
        }
        let cache = (path("XDG_CACHE_HOME") ?? home + "/.cache") + "/lodge"
        let state = (path("XDG_STATE_HOME") ?? home + "/.local/state") + "/lodge"
        return RootDirectory(
            etc: (path("XDG_CONFIG_HOME") ?? home + "/.config") + "/lodge",
            // Without a runtime directory (no login session) what is of this boot is told by its boot id.
            run: path("XDG_RUNTIME_DIR").map { $0 + "/lodge" } ?? state + "/run",
            lib: (path("XDG_DATA_HOME") ?? home + "/.local/share") + "/lodge", log: state + "/log", cache: cache)
    }

    private init(etc: String, run: String, lib: String, log: String, cache: String) {
        self.etc = etc
        self.run = run
        self.lib = lib
        self.log = log
        self.cache = cache
    }
}
