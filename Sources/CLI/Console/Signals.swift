import Glibc
import Lodge

/// The signals that a verb which stays in the foreground wants to hear of instead of dying by them.
///
/// Handlers write to a socket: blocking the signals and waiting for them would not do, because the main thread of an
/// async program sleeps in libdispatch with all of them let through.
enum Signals {
    private static let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Where the handler writes. Safe unlocked: it is set once, before the handler that reads it is installed.
    private nonisolated(unsafe) static var writeEnd: CInt = -1

    /// A descriptor from which a byte can be read for each that arrives; the caller closes it.
    static func descriptor() throws(LodgeError) -> CInt {
        var ends: [CInt] = [-1, -1]
        let type = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw failure(errno) }
        unsafe writeEnd = ends[1]
        for number in wanted {
            _ = signal(number) { arrived in
                let before = errno
                var byte = UInt8(truncatingIfNeeded: arrived)
                _ = unsafe send(Signals.writeEnd, &byte, 1, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
                errno = before
            }
        }
        return ends[0]
    }

    /// All that arrive for the rest of the process, which is one verb.
    static func all() throws(LodgeError) -> AsyncStream<CInt> {
        let (stream, continuation) = AsyncStream<CInt>.makeStream()
        let reader = Reader(descriptor: try descriptor(), continuation: continuation)
        let argument = unsafe Unmanaged.passRetained(reader).toOpaque()
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<Reader>.fromOpaque(argument).takeRetainedValue().serve()
                return nil
            }, argument)
        guard code == 0 else {
            unsafe Unmanaged<Reader>.fromOpaque(argument).release()
            throw failure(code)
        }
        pthread_detach(thread)
        return stream
    }

    private final class Reader: Sendable {
        let descriptor: CInt
        let continuation: AsyncStream<CInt>.Continuation

        init(descriptor: CInt, continuation: AsyncStream<CInt>.Continuation) {
            self.descriptor = descriptor
            self.continuation = continuation
        }

        func serve() {
            var byte: UInt8 = 0
            while true {
                if unsafe read(descriptor, &byte, 1) == 1 {
                    continuation.yield(CInt(byte))
                } else if errno != EINTR {
                    break
                }
            }
        }
    }

    private static func failure(_ code: CInt) -> LodgeError {
        LodgeError(.system, "cannot wait for signals", cause: .text(InputFile.text(code)))
    }
}
