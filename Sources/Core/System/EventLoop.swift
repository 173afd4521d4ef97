import CLinux
import Glibc
import Synchronization
import SystemPackage

/// One thread that waits for many descriptors (epoll(7)): process descriptors, monitors, inotify.
///
/// The thread and its descriptors exist only while something is watched.
public final class EventLoop: Sendable {
    /// One watched descriptor.
    public struct Token: Sendable, Hashable {
        fileprivate let number: UInt64
    }

    /// What a handler wants.
    public enum Next: Sendable {
        /// To be called again while the descriptor is ready.
        case more
        /// Not to be called again.
        case done
    }

    public typealias Handler = @Sendable (_ events: UInt32) -> Next

    private struct Watch {
        var descriptor: CInt
        var handler: Handler
    }

    private struct State {
        var watches: [UInt64: Watch] = [:]
        var next: UInt64 = 1
        var engine: Engine?
    }

    private let state = Mutex(State())

    public init() {}

    deinit { state.withLock { $0.engine?.stop() } }

    /// Watches a descriptor until the handler says ``Next/done`` or the token is cancelled.
    ///
    /// The handler runs on the loop's thread and must return soon. The descriptor must stay open until it is no longer
    /// watched; the same one cannot be watched twice.
    /// - Parameter events: `POLLIN`, `POLLOUT`, as poll(2) has them. Errors and hang-ups are always reported.
    public func watch(_ descriptor: CInt, events: Int16, handler: @escaping Handler) throws(LodgeError) -> Token {
        let outcome: Result<Token, LodgeError> = state.withLock { state in
            do throws(LodgeError) {
                let engine = if let engine = state.engine { engine } else { try start() }
                let number = state.next
                do throws(LodgeError) {
                    try engine.add(descriptor, events: UInt32(UInt16(bitPattern: events)), number: number)
                } catch {
                    if state.watches.isEmpty { engine.stop() }
                    throw error
                }
                state.engine = engine
                state.next += 1
                state.watches[number] = Watch(descriptor: descriptor, handler: handler)
                return .success(Token(number: number))
            } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// Stops watching. No call of the handler begins after this returns; one may still be running on the loop's thread.
    public func cancel(_ token: Token) {
        let watch = state.withLock { state -> Watch? in
            guard let watch = state.watches.removeValue(forKey: token.number) else { return nil }
            state.engine?.remove(watch.descriptor)
            if state.watches.isEmpty {
                state.engine?.stop()
                state.engine = nil
            }
            return watch
        }
        // Released here, without the lock: what the handler holds may come back to us.
        _ = watch
    }

    /// How many descriptors are watched.
    public var count: Int { state.withLock { $0.watches.count } }

    private func start() throws(LodgeError) -> Engine {
        let engine = try Engine()
        try OwnThread.start { [weak self] in
            while let (number, events) = engine.next() { self?.dispatch(number, events) }
        }
        return engine
    }

    private func dispatch(_ number: UInt64, _ events: UInt32) {
        guard let handler = state.withLock({ $0.watches[number]?.handler }) else { return }
        if handler(events) == .done { cancel(Token(number: number)) }
    }
}

/// The descriptors of one thread, which live until both the loop and the thread have let go of them.
private final class Engine: Sendable {
    private let epoll: OwnedFD
    private let wake: OwnedFD

    init() throws(LodgeError) {
        let epoll = OwnedFD(taking: try syscall("epoll_create1", "cannot make an event loop") { lodge_epoll() })
        let wake = OwnedFD(taking: try syscall("eventfd", "cannot make an event loop") { lodge_eventfd() })
        let (number, wakeNumber) = (epoll.raw, wake.raw)
        try syscall("epoll_ctl", "cannot make an event loop") {
            lodge_epoll_add(number, wakeNumber, UInt32(POLLIN), 0)
        }
        self.epoll = epoll
        self.wake = wake
    }

    func add(_ descriptor: CInt, events: UInt32, number: UInt64) throws(LodgeError) {
        try syscall("epoll_ctl", "cannot watch a descriptor") {
            lodge_epoll_add(epoll.raw, descriptor, events, number)
        }
    }

    func remove(_ descriptor: CInt) { _ = attempt { lodge_epoll_remove(epoll.raw, descriptor) } }

    func stop() {
        var one: UInt64 = 1
        _ = unsafe Glibc.write(wake.raw, &one, 8)
    }

    /// The next event, nil when the thread is to end.
    func next() -> (UInt64, UInt32)? {
        var number: UInt64 = 0
        var events: UInt32 = 0
        guard case .success(1) = attempt({ unsafe lodge_epoll_wait(epoll.raw, -1, &number, &events) }), number != 0
        else { return nil }
        return (number, events)
    }
}
