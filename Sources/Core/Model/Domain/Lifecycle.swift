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

/// Virtual processors: `<vcpu>`.
public struct VCPUDefinition: Sendable, Hashable {
    public enum Placement: String, XMLValue, CaseIterable, Sendable {
        case `static`

        public static var refused: [String: String] { ["auto": "placement='static' would work"] }
    }

    /// The most that the guest can have, 1 to 4096.
    public var maximum: UInt16
    /// How many it starts with; `nil`: all.
    public var current: UInt16?
    public var placement: Placement?

    public init(_ maximum: UInt16 = 1) { self.maximum = maximum }

    init(_ reader: ElementReader) throws(LodgeError) {
        let count: UInt16 = try reader.requiredText()
        guard (1...4096).contains(count) else {
            throw reader.error("<vcpu> is not a number from 1 to 4096: '\(count)'")
        }
        maximum = count
        current = reader.attribute("current", in: 1...4096)
        if let current, current > maximum {
            reader.record(
                "more virtual processors at the start (\(current)) than at most (\(maximum))", attribute: "current")
        }
        placement = reader.attribute("placement")
    }

    func write(to writer: inout XMLWriter) {
        writer.element("vcpu") {
            $0.attribute("placement", placement)
            $0.attribute("current", current)
            $0.text(String(maximum))
        }
    }
}

/// "No confinement by this model": `<seclabel type='none'/>`, the only label so far.
public struct SecurityLabelDefinition: Sendable, Hashable {
    private enum Kind: String, XMLValue, CaseIterable {
        case none

        static var refused: [String: String] {
            let hint = "remove it, or use <seclabel type='none'/>"
            return ["dynamic": hint, "static": hint]
        }
    }

    /// `selinux`, `apparmor`, `dac`; `nil`: the host's.
    public var model: String?

    public init(model: String? = nil) { self.model = model }

    init(_ reader: ElementReader) throws(LodgeError) {
        _ = try reader.required("type", as: Kind.self)
        model = reader.attribute("model")
        if reader.yesNo("relabel") == true {
            reader.record("relabel='yes' does not go with type='none'", hint: "relabel='no' would work")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("seclabel") {
            $0.attribute("type", Kind.none)
            $0.attribute("model", model)
        }
    }
}

/// What other programs keep in a definition: `<metadata>`, not understood and not changed.
public struct MetadataDefinition: Sendable, Hashable {
    /// All between the tags, as it was written.
    public var content: String
    /// What the prefixes in it stand for, where the content itself does not say.
    public var namespaces: [XMLNamespace]

    init?(_ reader: ElementReader) {
        (content, namespaces) = reader.verbatim()
        if content.utf8.allSatisfy(TagScanner.isSpace) { return nil }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("metadata") { writer in
            for namespace in namespaces { writer.attribute("xmlns:" + namespace.prefix, namespace.uri) }
            writer.verbatim(content)
        }
    }
}
