import LodgeCore

/// What `<on_poweroff>`, `<on_reboot>` and `<on_crash>` become: QEMU's own actions, so that they hold when no manager
/// runs, and what is left for a supervisor, for whom the guest is paused (QEMU 7.2, `-action`).
struct LifecyclePolicy: Sendable, Hashable {
    enum Reboot: String { case reset, shutdown }
    enum Shutdown: String { case poweroff, pause }
    enum Panic: String { case pause, shutdown }

    var reboot: Reboot
    var shutdown: Shutdown
    var panic: Panic
    var needsSupervisor: [String] = []

    init(_ definition: DomainDefinition) {
        reboot = definition.onReboot == .restart ? .reset : .shutdown
        shutdown = definition.onPowerOff == .destroy ? .poweroff : .pause
        panic = definition.onCrash == .destroy ? .shutdown : .pause
        if definition.onPowerOff == .restart {
            needsSupervisor.append("on_poweroff 'restart': QEMU only knows how to end or to pause")
        }
        if reboot == .shutdown, (definition.onReboot == .preserve) != (shutdown == .pause) {
            // QEMU makes a refused reboot a shutdown, so one answer serves both.
            needsSupervisor.append(
                "on_reboot '\(definition.onReboot.rawValue)' with on_poweroff '\(definition.onPowerOff.rawValue)': "
                    + "QEMU has one answer to both")
            shutdown = .pause
        }
        if panic == .shutdown, shutdown == .pause {
            needsSupervisor.append("on_crash 'destroy' with a power-off that pauses: QEMU has one answer to both")
        }
        if definition.onCrash == .restart {
            needsSupervisor.append("on_crash 'restart': QEMU only knows how to end or to pause")
        }
    }

    var argument: [(key: String, value: String?)] {
        [("reboot", reboot.rawValue), ("shutdown", shutdown.rawValue), ("panic", panic.rawValue)]
    }
}
