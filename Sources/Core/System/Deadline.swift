import Glibc

/// A moment on the monotonic clock by which a wait must have ended. Every wait in Lodge takes one.
public struct Deadline: Sendable, Hashable, Comparable {
    private let instant: ContinuousClock.Instant

    private init(_ instant: ContinuousClock.Instant) { self.instant = instant }

    public static func after(_ duration: Duration) -> Deadline { Deadline(.now + duration) }

    public var hasPassed: Bool { instant <= .now }

    /// What is left, never negative.
    public var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: instant)) }

    /// What is left in milliseconds for poll(2) and epoll_wait(2), rounded up so that a wait never ends early.
    public var pollTimeout: CInt {
        let (seconds, attoseconds) = remaining.components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return overflow ? CInt.max : CInt(clamping: milliseconds + rest)
    }

    /// The earlier of this and another deadline.
    public func capped(at other: Deadline) -> Deadline { min(self, other) }

    public static func < (one: Deadline, other: Deadline) -> Bool { one.instant < other.instant }
}
