import Glibc
public import Logging
import SystemPackage

/// What every synchronous operation is handed down: until when, whether still wanted, and where to log.
public struct OperationContext: Sendable {
    public var deadline: Deadline
    public var cancellation: Cancellation
    public var logger: Logger

    public init(deadline: Deadline, cancellation: Cancellation = Cancellation(), logger: Logger) {
        self.deadline = deadline
        self.cancellation = cancellation
        self.logger = logger
    }

    /// The same operation with the earlier of its own deadline and this one.
    public func until(_ other: Deadline) -> OperationContext {
        var context = self
        context.deadline = deadline.capped(at: other)
        return context
    }

    /// For taking away what a failed or cancelled operation had made: not cancellable, with time of its own.
    public func shielded(for duration: Duration) -> OperationContext {
        OperationContext(deadline: .after(duration), logger: logger)
    }

    /// Throws `.cancelled` or `.timeout` when there is no point in going on.
    public func check() throws(LodgeError) { try check(nil) }

    private func check(_ what: @autoclosure () -> String?) throws(LodgeError) {
        if cancellation.isCancelled {
            throw LodgeError(.cancelled, what().map { "cancelled while \($0)" } ?? "cancelled")
        }
        if deadline.hasPassed {
            throw LodgeError(.timeout, what().map { "timed out while \($0)" } ?? "the time for it is over")
        }
    }

    /// Waits for a descriptor with poll(2), until it is ready, the earlier deadline passes, or the operation is
    /// cancelled.
    ///
    /// An error or hang-up of the descriptor counts as ready: the next read or write tells which.
    /// - Parameters:
    ///   - events: `POLLIN`, `POLLOUT`.
    ///   - limit: a deadline of this wait, beside the operation's own.
    ///   - what: what is being done, for the error: "waiting for QEMU's greeting".
    public func wait(
        for descriptor: CInt, events: Int16, until limit: Deadline? = nil, _ what: @autoclosure () -> String
    ) throws(LodgeError) {
        _ = try wait(for: [pollfd(fd: descriptor, events: events, revents: 0)], until: limit, what())
    }

    /// Waits until one of several descriptors is ready and returns them with `revents` filled.
    func wait(
        for descriptors: [pollfd], until limit: Deadline? = nil, _ what: @autoclosure () -> String
    ) throws(LodgeError) -> [pollfd] {
        let deadline = limit.map { self.deadline.capped(at: $0) } ?? self.deadline
        // What is ready at once needs no event descriptor for the cancellation.
        var polled = descriptors
        if try poll(&polled, timeout: 0, what()) > 0, !cancellation.isCancelled { return polled }
        polled.append(pollfd(fd: try cancellation.descriptor(), events: Int16(POLLIN), revents: 0))
        while true {
            try OperationContext(deadline: deadline, cancellation: cancellation, logger: logger).check(what())
            if try poll(&polled, timeout: deadline.pollTimeout, what()) > 0, polled.last?.revents == 0 {
                return polled.dropLast()
            }
        }
    }

    /// Waits for this long, or less when the deadline or a cancellation comes first, which throws.
    public func pause(_ duration: Duration, _ what: @autoclosure () -> String) throws(LodgeError) {
        let end = Deadline.after(duration)
        var polled = [pollfd(fd: try cancellation.descriptor(), events: Int16(POLLIN), revents: 0)]
        while true {
            try check(what())
            if end.hasPassed { return }
            _ = try poll(&polled, timeout: deadline.capped(at: end).pollTimeout, what())
        }
    }

    /// The same between two tries of something: false when the deadline comes first, which the caller explains better.
    func pauses(_ duration: Duration, _ what: @autoclosure () -> String) throws(LodgeError) -> Bool {
        if deadline.remaining < duration { return false }
        do throws(LodgeError) { try pause(duration, what()) } catch {
            if error.code == .timeout { return false }
            throw error
        }
        return true
    }

    private func poll(
        _ descriptors: inout [pollfd], timeout: CInt, _ what: @autoclosure () -> String
    ) throws(LodgeError) -> CInt {
        let count = nfds_t(descriptors.count)
        let result = unsafe descriptors.withUnsafeMutableBufferPointer { buffer in
            unsafe Glibc.poll(buffer.baseAddress, count, timeout)
        }
        if result >= 0 { return result }
        let errno = Errno(rawValue: Glibc.errno)
        // An interrupted poll is started again by the caller, which reads the clock first.
        if errno == .interrupted { return 0 }
        throw LodgeError(.init(errno), "failed while \(what())", cause: .errno(errno, call: "poll"))
    }
}
