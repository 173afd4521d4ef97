public import FoundationEssentials
public import LodgeCore

/// What a running guest is told over its monitor. Each holds the object's lock for one short exchange.
extension QEMUDriver {
    /// See ``Domain/shutdown()``.
    public func shutdown(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        try control(uuid, "shutdown", context: context) { (monitor, record, context) throws(LodgeError) in
            if record.state == DomainState.paused.rawValue {
                throw LodgeError(
                    .invalidState, "it is paused, so it cannot see its power button", object: record.reference,
                    hint: "lodge resume \(record.name)")
            }
            try monitor.systemPowerdown(context: context)
            record.reason = StatusRecord.askedToShutDown
        }
    }

    /// See ``Domain/reset()``.
    public func reset(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        let definition = try? liveDefinition(uuid)
        try control(uuid, "reset", context: context) { (monitor, _, context) throws(LodgeError) in
            // With reboot=shutdown the host's own reset would end the guest.
            let ends = definition?.onReboot == .destroy
            if ends { try monitor.setAction(reboot: "reset", context: context) }
            try monitor.systemReset(context: context)
            if ends { try monitor.setAction(reboot: "shutdown", context: context) }
        }
    }

    /// See ``Domain/suspend()``.
    public func suspend(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        try control(uuid, "suspend", context: context) { (monitor, record, context) throws(LodgeError) in
            if try monitor.queryStatus(context: context).state == .paused {
                throw LodgeError(.invalidState, "it is already paused", object: record.reference)
            }
            try monitor.stop(context: context)
            record.enter(.paused, "user")
        }
    }

    /// See ``Domain/resume()``.
    public func resume(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        try control(uuid, "resume", context: context) { (monitor, record, context) throws(LodgeError) in
            if try monitor.queryStatus(context: context).state == .running {
                throw LodgeError(.invalidState, "it is already running", object: record.reference)
            }
            try monitor.cont(context: context)
            record.enter(.running, "unpaused")
        }
    }

    /// One QMP command of the caller's own. See ``Domain/monitor(_:)``.
    public func monitor(_ uuid: UUID, _ json: String, context: OperationContext) throws(LodgeError) -> String {
        try control(uuid, "qemu-monitor-command", context: context) { (monitor, record, context) throws(LodgeError) in
            let answer = try monitor.passthrough(json, context: context)
            // It may have stopped or continued the guest, or ended QEMU.
            if let now = try? monitor.queryStatus(context: context), now.state.rawValue != record.state {
                record.enter(now.state, now.reason)
            }
            return answer
        }
    }

    /// Talks to the monitor of an active domain under its lock, and writes the record if the body changed it.
    func control<T>(
        _ uuid: UUID, _ operation: String, context: OperationContext,
        _ body: (inout QMPClient, inout StatusRecord, OperationContext) throws(LodgeError) -> T
    ) throws(LodgeError) -> T {
        let lock = try store.lock(.domain, uuid, operation: operation, context: context)
        let before = try observe(uuid).requireActive(reference(uuid))
        var record = before
        var monitor = try connect(uuid, context: context)
        let result = try body(&monitor, &record, context)
        if record != before { try store.writeRecord(&record) }
        _ = consume lock
        return result
    }

    /// Connects to the control monitor and greets it.
    func connect(
        _ uuid: UUID, patience: Duration = greetingPatience, context: OperationContext
    ) throws(LodgeError) -> QMPClient {
        let context = context.until(.after(patience))
        return try QMPClient(
            socket: try UnixSocket.connect(controlSocket(uuid), context: context), ahead: true, context: context)
    }

    /// QEMU answers within milliseconds unless it hangs or somebody else is connected.
    static let greetingPatience = Duration.seconds(5)
    /// A QEMU that has just been executed, on a machine that is busy.
    static let startPatience = Duration.seconds(60)

    func controlSocket(_ uuid: UUID) -> String { store.runtimeDirectory(.domain, uuid) + "/control.sock" }
    func eventsSocket(_ uuid: UUID) -> String { store.runtimeDirectory(.domain, uuid) + "/events.sock" }
}

extension StatusRecord {
    /// Notes a state and since when.
    mutating func enter(_ state: DomainState, _ reason: String) {
        self.state = state.rawValue
        self.reason = reason
        since = Timestamp.now()
    }
}
