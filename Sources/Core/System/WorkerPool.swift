public import Logging

/// Threads of our own for calls that block: never the caller's, never those of Swift's cooperative pool.
///
/// They are started on demand up to a number, end after a while without work, and live in one network namespace, so
/// that what an operation opens (netlink, `/proc/sys/net`, children) is in that namespace by construction. With one
/// thread, all operations run one after the other in the order of their `run`.
public final class WorkerPool: Sendable {
    private typealias Job = @Sendable (LodgeError?) -> Void

    private struct State {
        var jobs: [Job] = []
        /// Index of the first job that is not taken; the array is cut now and then.
        var next = 0
        var threads = 0
        var idle = 0
        var closed = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func take() -> Job? {
            guard next < jobs.count else { return nil }
            let job = jobs[next]
            next += 1
            if next == jobs.count {
                jobs.removeAll(keepingCapacity: jobs.count <= 64)
                next = 0
            }
            return job
        }

        var waiting: Int { jobs.count - next }
    }

    private let monitor = Monitor(State())
    private let limit: Int
    private let namespace: NetworkNamespace?
    private let idleTime: Duration

    /// - Parameters:
    ///   - threads: how many at most; less than 1 counts as 1.
    ///   - namespace: where the threads live; nil is that of whichever thread happens to start them.
    ///   - idleTime: how long a thread waits for more work before it ends.
    public init(threads: Int, namespace: NetworkNamespace?, idleTime: Duration = .seconds(5)) {
        limit = max(1, threads)
        self.namespace = namespace
        self.idleTime = idleTime
    }

    deinit { shutdown() }

    /// Runs the body on a thread of the pool. The wait for a free thread is bounded by what the running operations'
    /// own deadlines allow; a cancelled task does not interrupt the body (see the variant with a context).
    public func run<T: Sendable>(_ body: @escaping @Sendable () throws(LodgeError) -> T) async throws(LodgeError) -> T {
        let result: Result<T, LodgeError> = await withCheckedContinuation { continuation in
            enqueue { failure in
                if let failure { return continuation.resume(returning: .failure(failure)) }
                let result: Result<T, LodgeError>
                do throws(LodgeError) { result = .success(try body()) } catch { result = .failure(error) }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }

    /// Runs the body with a context whose cancellation is that of the calling task.
    ///
    /// The deadline counts from now, so waiting for a free thread uses it up too.
    public func run<T: Sendable>(
        deadline: Deadline, logger: Logger,
        _ body: @escaping @Sendable (OperationContext) throws(LodgeError) -> T
    ) async throws(LodgeError) -> T {
        let context = OperationContext(deadline: deadline, logger: logger)
        // withTaskCancellationHandler rethrows untyped, so the error travels as a value.
        let result: Result<T, LodgeError> = await withTaskCancellationHandler {
            do throws(LodgeError) {
                return .success(
                    try await run { () throws(LodgeError) -> T in
                        try context.check()
                        return try body(context)
                    })
            } catch { return .failure(error) }
        } onCancel: {
            context.cancellation.cancel()
        }
        return try result.get()
    }

    /// Takes no more work. What is queued is still done, then the threads end. Returns at once.
    public func shutdown() {
        monitor.withLock { $0.closed = true }
        monitor.broadcast()
    }

    /// Shuts down and returns when the last thread has done its work.
    public func close() async {
        shutdown()
        await withCheckedContinuation { continuation in
            let ended = monitor.withLock { state in
                if state.threads > 0 { state.waiters.append(continuation) }
                return state.threads == 0
            }
            if ended { continuation.resume() }
        }
    }

    /// How many threads there are now.
    var threadCount: Int { monitor.withLock { $0.threads } }

    private enum Admission { case closed, queued, needsThread }

    private func enqueue(_ job: @escaping Job) {
        let admission = monitor.withLock { state -> Admission in
            if state.closed { return .closed }
            state.jobs.append(job)
            if state.waiting <= state.idle || state.threads >= limit { return .queued }
            state.threads += 1
            return .needsThread
        }
        switch admission {
        case .closed: job(LodgeError(.invalidState, "the host was closed"))
        case .queued: monitor.signal()
        case .needsThread: startThread()
        }
    }

    private func startThread() {
        // The threads hold what they need and not the pool, whose end is what ends them.
        let (monitor, namespace, idleTime) = (monitor, namespace, idleTime)
        do throws(LodgeError) {
            try OwnThread.start { Self.work(monitor, namespace: namespace, idleTime: idleTime) }
        } catch {
            // Other threads, if there are any, will come to what is queued.
            let orphans = monitor.withLock { state -> [Job] in
                state.threads -= 1
                guard state.threads == 0 else { return [] }
                var orphans: [Job] = []
                while let job = state.take() { orphans.append(job) }
                return orphans
            }
            for job in orphans { job(error) }
        }
    }

    private static func work(_ monitor: Monitor<State>, namespace: NetworkNamespace?, idleTime: Duration) {
        var failure: LodgeError?
        do throws(LodgeError) { try namespace?.enter() } catch { failure = error }
        while let job = next(monitor, idleTime: idleTime) { job(failure) }
    }

    /// The next job, or nil when this thread is to end, which is then already accounted for.
    private static func next(_ monitor: Monitor<State>, idleTime: Duration) -> Job? {
        monitor.withLock { $0.idle += 1 }
        let job: Job?? = monitor.wait(
            idle: idleTime,
            { state -> Job?? in
                if let job = state.take() {
                    state.idle -= 1
                    return .some(job)
                }
                guard state.closed else { return nil }
                leave(&state)
                return .some(nil)
            }, expired: leave)
        return job ?? nil
    }

    private static func leave(_ state: inout State) {
        state.idle -= 1
        state.threads -= 1
        guard state.threads == 0 else { return }
        for waiter in state.waiters { waiter.resume() }
        state.waiters = []
    }
}
