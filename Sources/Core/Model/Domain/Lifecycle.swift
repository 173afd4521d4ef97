/// What follows when the guest powers off or reboots: `<on_poweroff>`, `<on_reboot>`.
public enum LifecycleAction: String, XMLValue, CaseIterable, Sendable {
    case destroy, restart, preserve

    public static var refused: [String: String] { ["rename-restart": "'restart' would work"] }
}

/// What follows when the guest's kernel reports a crash: `<on_crash>`.
public enum CrashAction: String, XMLValue, CaseIterable, Sendable {
    case destroy, restart, preserve

    public static var refused: [String: String] {
        [
            "rename-restart": "'restart' would work",
            "coredump-destroy": "'destroy' would work; 'preserve' keeps the guest's memory for a dump",
            "coredump-restart": "'restart' would work; 'preserve' keeps the guest's memory for a dump",
        ]
    }
}

/// Which ACPI sleep states the guest is offered: `<pm>`; `nil` leaves it to QEMU.
public struct PowerManagementDefinition: Sendable, Hashable {
    public var suspendToMemory: Bool?
    public var suspendToDisk: Bool?

    public init() {}

    init(_ reader: ElementReader) throws(LodgeError) {
        suspendToMemory = reader.child("suspend-to-mem")?.yesNo("enabled")
        suspendToDisk = reader.child("suspend-to-disk")?.yesNo("enabled")
    }

    func write(to writer: inout XMLWriter) {
        writer.element("pm") { writer in
            writer.element("suspend-to-mem", "enabled", suspendToMemory.map { $0 ? YesNo.yes : .no })
            writer.element("suspend-to-disk", "enabled", suspendToDisk.map { $0 ? YesNo.yes : .no })
        }
    }
}
