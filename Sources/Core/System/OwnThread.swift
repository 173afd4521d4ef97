import CLinux
import Glibc
import SystemPackage

/// Threads of our own: detached, all signals blocked, so that no handler of the host program runs on them.
enum OwnThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Enough for the deepest XML and JSON that is accepted, in a debug build too. Only what is touched costs memory.
    private static let stackSize = 4 << 20

    static func start(_ body: @escaping @Sendable () -> Void) throws(LodgeError) {
        let argument = unsafe Unmanaged.passRetained(Body(body)).toOpaque()
        let code = unsafe lodge_thread_start(
            { argument in
                guard let argument = unsafe argument else { return }
                unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
            }, argument, stackSize)
        guard code != 0 else { return }
        unsafe Unmanaged<Body>.fromOpaque(argument).release()
        let errno = Errno(rawValue: code)
        throw LodgeError(.init(errno), "cannot start a thread", cause: .errno(errno, call: "pthread_create"))
    }

    /// Runs the body on a fresh thread and waits for it: for what must not happen to the caller's thread (setns).
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws(LodgeError) -> T) throws(LodgeError) -> T {
        let monitor = Monitor<Result<T, LodgeError>?>(nil)
        try start {
            let result: Result<T, LodgeError>
            do throws(LodgeError) { result = .success(try body()) } catch { result = .failure(error) }
            monitor.withLock { $0 = result }
            monitor.broadcast()
        }
        return try monitor.wait { $0 }.get()
    }
}

/// A value under a mutex, with a condition to wait on for a change of it.
@safe
final class Monitor<Value>: @unchecked Sendable {
    // Sendable, and safe to use: `value` is only touched with the C monitor's mutex held.
    private let monitor: OpaquePointer
    private var value: Value

    init(_ value: Value) {
        unsafe monitor = lodge_monitor_new()
        self.value = value
    }

    deinit { unsafe lodge_monitor_free(monitor) }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe lodge_monitor_lock(monitor)
        defer { unsafe lodge_monitor_unlock(monitor) }
        return body(&value)
    }

    func signal() { unsafe lodge_monitor_signal(monitor) }

    func broadcast() { unsafe lodge_monitor_broadcast(monitor) }

    /// Waits until `ready` gives an answer; it is asked with the lock held.
    func wait<Result>(_ ready: (inout Value) -> Result?) -> Result {
        unsafe lodge_monitor_lock(monitor)
        defer { unsafe lodge_monitor_unlock(monitor) }
        while true {
            if let result = ready(&value) { return result }
            unsafe lodge_monitor_wait(monitor, -1)
        }
    }

    /// The same, giving up (nil) after a time without a change.
    func wait<Result>(idle: Duration, _ ready: (inout Value) -> Result?, expired: (inout Value) -> Void) -> Result? {
        let deadline = Deadline.after(idle)
        unsafe lodge_monitor_lock(monitor)
        defer { unsafe lodge_monitor_unlock(monitor) }
        while true {
            if let result = ready(&value) { return result }
            if deadline.hasPassed {
                expired(&value)
                return nil
            }
            unsafe lodge_monitor_wait(monitor, Int(deadline.pollTimeout))
        }
    }
}
