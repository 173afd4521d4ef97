public import LodgeCore

/// The commands that Lodge itself uses, typed (QEMU QMP Reference Manual).
extension QMPClient {
    /// What the guest is doing, in virsh's words.
    public mutating func queryStatus(context: OperationContext) throws(LodgeError) -> DomainStatus {
        let answer = try execute("query-status", context: context)
        guard let status = answer["status"]?.string else {
            throw LodgeError(.monitor, "QEMU's answer to 'query-status' has no status")
        }
        return DomainStatus(runState: status)
    }

    /// Lets the guest's processors run.
    public mutating func cont(context: OperationContext) throws(LodgeError) {
        _ = try execute("cont", effort: .device, context: context)
    }

    /// Stops the guest's processors.
    public mutating func stop(context: OperationContext) throws(LodgeError) {
        _ = try execute("stop", effort: .device, context: context)
    }

    /// Presses the ACPI power button.
    public mutating func systemPowerdown(context: OperationContext) throws(LodgeError) {
        _ = try execute("system_powerdown", context: context)
    }

    /// Presses the reset button.
    public mutating func systemReset(context: OperationContext) throws(LodgeError) {
        _ = try execute("system_reset", context: context)
    }

    /// Changes what a reboot of the guest does: `reset` or `shutdown`.
    public mutating func setAction(reboot: String, context: OperationContext) throws(LodgeError) {
        _ = try execute("set-action", ["reboot": .string(reboot)], context: context)
    }

    /// The terminals that QEMU made, by the chardev's id.
    public mutating func terminals(context: OperationContext) throws(LodgeError) -> [String: String] {
        let answer = try execute("query-chardev", context: context)
        var terminals: [String: String] = [:]
        for device in answer.array ?? [] {
            guard let label = device["label"]?.string, let name = device["filename"]?.string,
                name.hasPrefix("pty:")
            else { continue }
            terminals[label] = String(name.dropFirst("pty:".count))
        }
        return terminals
    }
}

extension DomainStatus {
    /// QEMU's run state in virsh's words.
    init(runState: String) {
        switch runState {
        case "running": self.init(.running, "booted")
        case "paused": self.init(.paused, "user")
        case "prelaunch": self.init(.paused, "starting up")
        case "inmigrate": self.init(.paused, "migrating")
        case "postmigrate", "finish-migrate": self.init(.paused, "migrating")
        case "restore-vm": self.init(.paused, "restoring")
        case "save-vm": self.init(.paused, "saving")
        case "suspended": self.init(.running, "suspended by the guest")
        case "watchdog": self.init(.paused, "watchdog")
        case "io-error": self.init(.paused, "I/O error")
        case "guest-panicked":
            self.init(.paused, "crashed", note: "paused, waiting for a supervisor to do what <on_crash> says")
        case "shutdown":
            self.init(.paused, "shutting down", note: "paused, waiting for a supervisor to do what <on_poweroff> says")
        case "debug": self.init(.paused, "debugging")
        default: self.init(.paused, runState)
        }
    }
}
