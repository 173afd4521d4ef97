public import FoundationEssentials
public import LodgeCore

/// Where supervisors come from and what they ask of the driver.
extension QEMUDriver {
    func supervisorLock(_ uuid: UUID) -> String { store.lockPath(.domain, uuid) + ".supervisor" }

    /// Claims a guest for this process.
    ///
    /// - Throws: `busy`, naming the process that supervises it.
    public func supervisor(
        for uuid: UUID, name: String, loop: EventLoop, schedule: @escaping Supervisor.Schedule,
        deliver: @escaping @Sendable (DomainEvent) -> Void, finished: @escaping @Sendable () -> Void
    ) throws(LodgeError) -> Supervisor {
        let path = supervisorLock(uuid)
        guard let lock = try FileLock.tryAcquire(path, operation: "supervise") else {
            let owner = FileLock.owner(path).map { "process \($0.pid)" } ?? "another process"
            throw LodgeError(
                .busy, "it is supervised by \(owner)", object: ObjectReference(.domain, name),
                hint: "only one process can follow a guest's events; `lodge list` works beside it")
        }
        return Supervisor(
            self, uuid: uuid, name: name, lock: lock, loop: loop, schedule: schedule, deliver: deliver,
            finished: finished)
    }

    /// Follows a guest that runs.
    public func follow(_ uuid: UUID, with supervisor: Supervisor, context: OperationContext) throws(LodgeError) {
        try supervisor.follow(try observe(uuid).requireActive(reference(uuid)), context: context)
    }

    /// What a definition wants done when its guest stops or crashes.
    struct Policy {
        var onPowerOff = LifecycleAction.destroy
        var onReboot = LifecycleAction.restart
        var onCrash = CrashAction.destroy

        /// - Parameter reason: QEMU's, of its SHUTDOWN event (QEMU QMP Reference Manual, `ShutdownCause`).
        func action(forShutdown reason: String) -> LifecycleAction {
            switch reason {
            case "guest-reset": onReboot
            case "guest-panic": onCrash == .restart ? .restart : onCrash == .preserve ? .preserve : .destroy
            default: onPowerOff
            }
        }
    }

    func policy(of uuid: UUID) -> Policy {
        guard let definition = (try? liveDefinition(uuid)) ?? (try? keptDefinition(of: uuid)) else { return Policy() }
        return Policy(
            onPowerOff: definition.onPowerOff, onReboot: definition.onReboot, onCrash: definition.onCrash)
    }

    /// How a run ended, and what it ran with.
    struct Conclusion {
        var status: DomainStatus
        var definition: DomainDefinition?
    }

    /// After QEMU's end: takes away what is left, unless somebody else does or did. Nil when it was destroyed.
    func concludeRun(
        _ uuid: UUID, shutdownReason: String?, exit: ExitStatus, context: OperationContext
    ) throws(LodgeError) -> Conclusion? {
        let lock = try store.lock(.domain, uuid, operation: "conclude", context: context)
        let observation = try observe(uuid)
        guard let record = observation.record, case .undo = observation.verdict else { return nil }
        let status: DomainStatus
        if record.phase == .stopping {
            status = DomainStatus(.shutOff, record.reason ?? "destroyed")
        } else if shutdownReason != nil, exit == .unknown || exit.isSuccess {
            status = DomainStatus(.shutOff, "shutdown")
        } else {
            status = DomainStatus(.crashed, "crashed")
        }
        let definition = try? liveDefinition(uuid)
        try takeAway(record, reason: status.reason, context: context)
        _ = consume lock
        return Conclusion(status: status, definition: definition)
    }

    /// Starts anew what crashed: the kept definition, else the one that ran.
    func restart(
        _ uuid: UUID, after conclusion: Conclusion, context: OperationContext, beforeRunning: BeforeRunning
    ) throws(LodgeError) {
        if try keptName(of: uuid) != nil {
            try start(uuid, paused: false, context: context, beforeRunning: beforeRunning)
        } else if let definition = conclusion.definition {
            try create(
                try resolve(definition.inactive(), context: context), paused: false, context: context,
                beforeRunning: beforeRunning)
        }
    }
}
