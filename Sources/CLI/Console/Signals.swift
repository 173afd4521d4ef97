import Glibc
import Lodge

/// The signals that a verb which stays in the foreground wants to hear of instead of dying by them.
///
/// They are blocked before the first thread is made, so that no thread takes one, and waited for on one of their own.
enum Signals {
    private static let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    static func areWanted(by arguments: [String]) -> Bool {
        let verbs: Set<String> = ["run", "console", "event", "--console"]
        return arguments.contains { verbs.contains($0) }
    }

    static func block() {
        var set = Self.set
        _ = unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// All that arrive until the task that listens ends.
    static func all() throws(LodgeError) -> AsyncStream<CInt> {
        let (stream, continuation) = AsyncStream<CInt>.makeStream()
        try listen { continuation.yield($0) }
        return stream
    }

    /// A descriptor that becomes readable when one arrives; the caller closes it.
    static func descriptor() throws(LodgeError) -> CInt {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw LodgeError(.system, "cannot wait for signals", cause: .text(InputFile.text(errno)))
        }
        let writing = ends[1]
        try listen { _ in try? Output.write([1], to: writing) }
        return ends[0]
    }

    private final class Handler: Sendable {
        let call: @Sendable (CInt) -> Void

        init(_ call: @escaping @Sendable (CInt) -> Void) { self.call = call }

        func serve() {
            var set = Signals.set
            while true {
                var signal: CInt = 0
                if unsafe sigwait(&set, &signal) == 0 { call(signal) }
            }
        }
    }

    /// The thread stays for the rest of the process, which is one verb.
    private static func listen(_ call: @escaping @Sendable (CInt) -> Void) throws(LodgeError) {
        let handler = Handler(call)
        let argument = unsafe Unmanaged.passRetained(handler).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Handler>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<Handler>.fromOpaque(argument).release()
            throw LodgeError(.system, "cannot wait for signals", cause: .text(InputFile.text(code)))
        }
        pthread_detach(thread)
    }

    private static var set: sigset_t {
        var set = sigset_t()
        _ = unsafe sigemptyset(&set)
        for signal in wanted { _ = unsafe sigaddset(&set, signal) }
        return set
    }
}
