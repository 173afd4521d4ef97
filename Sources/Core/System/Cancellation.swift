import CLinux
import Glibc
import Synchronization
import SystemPackage

/// Says to a synchronous operation, from any thread, that nobody waits for its result any more.
///
/// It costs no descriptor until an operation waits for one with it.
public final class Cancellation: Sendable {
    private struct State: ~Copyable {
        var signal: OwnedFD?
    }

    private let flag = Atomic<Bool>(false)
    private let state = Mutex(State(signal: nil))

    public init() {}

    /// Cancels, for good. Calling it again does nothing.
    public func cancel() {
        state.withLock { state in
            flag.store(true, ordering: .releasing)
            guard let descriptor = state.signal?.raw else { return }
            var one: UInt64 = 1
            _ = unsafe Glibc.write(descriptor, &one, 8)
        }
    }

    public var isCancelled: Bool { flag.load(ordering: .acquiring) }

    /// A descriptor that becomes readable on cancellation and lives as long as this object.
    func descriptor() throws(LodgeError) -> CInt {
        let answer: Result<CInt, Errno> = state.withLock { state in
            if let descriptor = state.signal?.raw { return .success(descriptor) }
            let made = attempt { lodge_eventfd() }
            if case .success(let descriptor) = made {
                if flag.load(ordering: .acquiring) {
                    var one: UInt64 = 1
                    _ = unsafe Glibc.write(descriptor, &one, 8)
                }
                state.signal = OwnedFD(taking: descriptor)
            }
            return made
        }
        switch answer {
        case .success(let descriptor): return descriptor
        case .failure(let errno):
            throw LodgeError(
                .init(errno), "cannot make an event descriptor", cause: .errno(errno, call: "eventfd"))
        }
    }
}
