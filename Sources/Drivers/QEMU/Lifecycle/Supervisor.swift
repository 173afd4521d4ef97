import FoundationEssentials
public import LodgeCore
import Logging
import Synchronization

/// Follows one guest from this process: reports its events, keeps its record true, does what QEMU cannot do by itself
/// (restart after a crash or a power-off), and takes away what is left when it ends.
///
/// Nothing here waits: the event loop's thread reads what QEMU says, and a worker acts on it, one step after the other.
/// If the process dies, the guest goes on and QEMU's own actions hold; the next supervisor or load picks it up.
public final class Supervisor: Sendable {
    /// Hands work to a thread that may block.
    public typealias Schedule = @Sendable (@escaping @Sendable () -> Void) -> Void

    /// At most this many restarts in the time of ``restartWindow``; then the guest stays down, as crashed.
    static let restartLimit = 5
    static let restartWindow = Duration.seconds(600)

    private let driver: QEMUDriver
    private let uuid: UUID
    private let name: String
    private let loop: EventLoop
    private let schedule: Schedule
    private let deliver: @Sendable (DomainEvent) -> Void
    private let finished: @Sendable () -> Void
    private let state: Mutex<State>

    private struct State: ~Copyable {
        var lock: FileLock?
        var stream: EventStream?
        var process: PidFD?
        var tokens: [EventLoop.Token] = []
        var inbox: [MonitorEvent] = []
        var hasExited = false
        var isScheduled = false
        var isOver = false
        /// What QEMU said of why it shuts down, the last time.
        var shutdownReason: String?
        var restarts: [ContinuousClock.Instant] = []
    }

    /// - Parameters:
    ///   - lock: held while this supervisor lives, so that others see who it is.
    ///   - deliver: gets each event, in order.
    ///   - finished: called once, after the last event.
    init(
        _ driver: QEMUDriver, uuid: UUID, name: String, lock: consuming FileLock, loop: EventLoop,
        schedule: @escaping Schedule, deliver: @escaping @Sendable (DomainEvent) -> Void,
        finished: @escaping @Sendable () -> Void
    ) {
        self.driver = driver
        self.uuid = uuid
        self.name = name
        self.loop = loop
        self.schedule = schedule
        self.deliver = deliver
        self.finished = finished
        var state = State()
        state.lock = consume lock
        self.state = Mutex(state)
    }

    /// Stops following. The guest goes on.
    public func cancel() { end() }

    // MARK: Connecting

    /// Connects to the guest's events monitor and begins to watch it and its process.
    public func follow(_ record: StatusRecord, context: OperationContext) throws(LodgeError) {
        guard let opened = try driver.openProcess(of: record) else {
            throw LodgeError(.invalidState, "it has ended", object: record.reference)
        }
        let socket = try UnixSocket.connect(
            driver.eventsSocket(uuid), until: .after(QEMUDriver.greetingPatience), context: context)
        let client = try QMPClient(socket: socket, context: context.until(.after(QEMUDriver.greetingPatience)))
        // Optionals, because a closure can take a value out of one but cannot consume what it captures.
        var process: PidFD? = consume opened
        var stream: EventStream? = client.listen()
        let (events, pid) = (stream?.descriptor ?? -1, process?.descriptor ?? -1)
        state.withLock { state in
            state.stream = stream.take()
            state.process = process.take()
            state.hasExited = false
        }
        let tokens = [
            try loop.watch(events, events: Self.readable) { [weak self] _ in self?.read() ?? .done },
            try loop.watch(pid, events: Self.readable) { [weak self] _ in
                self?.exited()
                return .done
            },
        ]
        state.withLock { $0.tokens += tokens }
    }

    private static let readable: Int16 = 1  // POLLIN

    private func read() -> EventLoop.Next {
        let isOpen = state.withLock { state in
            guard state.stream != nil else { return false }
            let isOpen = state.stream?.pump() ?? false
            state.inbox += state.stream?.takeEvents() ?? []
            return isOpen
        }
        wake()
        return isOpen ? .more : .done
    }

    private func exited() {
        // What it said last may still be unread.
        state.withLock { state in
            _ = state.stream?.pump()
            state.inbox += state.stream?.takeEvents() ?? []
            state.hasExited = true
        }
        wake()
    }

    private func wake() {
        let needed = state.withLock { state in
            guard !state.isScheduled, !state.isOver else { return false }
            state.isScheduled = true
            return true
        }
        if needed { schedule { self.process() } }
    }

    // MARK: Acting

    private func process() {
        while true {
            let (events, exited) = state.withLock { state in
                let taken = (state.inbox, state.hasExited)
                state.inbox = []
                if taken.0.isEmpty && !taken.1 { state.isScheduled = false }
                return taken
            }
            if state.withLock({ $0.isOver }) { return }
            if events.isEmpty && !exited { return }
            for event in events { handle(event) }
            if exited {
                conclude()
                if state.withLock({ $0.isOver }) { return }
            }
        }
    }

    private func handle(_ event: MonitorEvent) {
        switch event.name {
        case "STOP": settle(.suspended)
        case "RESUME": settle(.resumed)
        case "RESET": report(.reset, event.data["reason"]?.string ?? "")
        case "POWERDOWN": report(.shutdown, "asked to power off")
        case "WATCHDOG": report(.watchdog, event.data["action"]?.string ?? "")
        case "BLOCK_IO_ERROR": report(.ioError, event.data["reason"]?.string ?? "")
        case "GUEST_PANICKED":
            report(.panicked, event.data["action"]?.string ?? "")
            act(driver.policy(of: uuid).onCrash == .restart ? .restart : .preserve)
        case "SHUTDOWN":
            let reason = event.data["reason"]?.string ?? "guest-shutdown"
            state.withLock { $0.shutdownReason = reason }
            act(driver.policy(of: uuid).action(forShutdown: reason))
        default: break
        }
    }

    /// What the definition asks for where QEMU could only pause. Where it did not pause, it ends by itself.
    private func act(_ action: LifecycleAction) {
        let context = driver.context(patience: .seconds(60))
        do throws(LodgeError) {
            try driver.control(uuid, "supervise", context: context) { (monitor, record, context) throws(LodgeError) in
                let now = try monitor.queryStatus(context: context)
                guard now.state == .paused else { return }
                switch action {
                case .preserve: record.enter(.paused, now.reason)
                case .destroy: _ = try monitor.execute("quit", context: context)
                case .restart:
                    guard mayRestart() else {
                        record.enter(.paused, "crashed")
                        return
                    }
                    try monitor.systemReset(context: context)
                    try monitor.cont(context: context)
                    record.enter(.running, "booted")
                    report(.restarted, "in the same QEMU")
                }
            }
        } catch {
            driver.logger.info("supervisor", metadata: ["domain": "\(name)", "error": "\(error)"])
        }
    }

    /// Brings the record up to what QEMU says, and reports the change.
    private func settle(_ kind: DomainEvent.Kind) {
        let context = driver.context(patience: .seconds(10))
        let now = try? driver.control(uuid, "supervise", context: context) {
            (monitor, record, context) throws(LodgeError) in
            let now = try monitor.queryStatus(context: context)
            if now.state.rawValue != record.state { record.enter(now.state, now.reason) }
            return DomainStatus(record: record)
        }
        report(kind, now?.reason ?? "")
    }

    /// QEMU is gone: say why, take away what is left, and start it anew where its definition wants that.
    private func conclude() {
        let (reason, status) = state.withLock { state in
            (state.shutdownReason, state.process?.exitStatus(features: driver.features) ?? .unknown)
        }
        dropLink()
        let context = driver.context(patience: .seconds(60))
        var stopped = "destroyed"
        do throws(LodgeError) {
            let conclusion = try driver.concludeRun(uuid, shutdownReason: reason, exit: status, context: context)
            stopped = conclusion?.status.reason ?? stopped
            if let conclusion, conclusion.status.state == .crashed, conclusion.definition?.onCrash == .restart,
                mayRestart()
            {
                report(.panicked, "QEMU \(status)")
                try driver.restart(uuid, after: conclusion, context: context) { (record) throws(LodgeError) in
                    try self.follow(record, context: context)
                }
                report(.restarted, "in a new QEMU")
                return
            }
        } catch {
            driver.logger.warning("supervisor", metadata: ["domain": "\(name)", "error": "\(error)"])
            stopped += ": \(error)"
        }
        report(.stopped, stopped)
        end()
    }

    private func mayRestart() -> Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            state.restarts.removeAll { now - $0 > Self.restartWindow }
            guard state.restarts.count < Self.restartLimit else { return false }
            state.restarts.append(now)
            return true
        }
    }

    public func report(_ kind: DomainEvent.Kind, _ detail: String) {
        deliver(DomainEvent(kind, detail, time: Timestamp.milliseconds()))
    }

    private func dropLink() {
        let tokens = state.withLock { state in
            let tokens = state.tokens
            state.tokens = []
            return tokens
        }
        for token in tokens { loop.cancel(token) }
        // Only now: a watched descriptor must stay open.
        state.withLock { state in
            state.stream = nil
            state.process = nil
            state.hasExited = false
            state.shutdownReason = nil
        }
    }

    private func end() {
        let first = state.withLock { state in
            defer { state.isOver = true }
            return !state.isOver
        }
        guard first else { return }
        dropLink()
        state.withLock { $0.lock = nil }
        finished()
    }
}
