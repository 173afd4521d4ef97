/// What a domain is doing, in virsh's words.
///
/// The source of the words and reasons is the domain state list of virsh(1), so that scripts that read them keep working.
public enum DomainState: String, Sendable, Hashable, Codable, CaseIterable {
    case running
    case paused
    /// Told to power off by ACPI, still running.
    case inShutdown = "in shutdown"
    case shutOff = "shut off"
    case crashed
    /// QEMU lives but does not answer its monitor. Still active: it cannot be started a second time.
    case unresponsive
    /// The record and the world disagree or cannot be read. Never counts as stopped: it cannot be started.
    case unknown

    /// Whether a QEMU process belongs to it, as far as anybody can tell.
    public var isActive: Bool {
        switch self {
        case .running, .paused, .inShutdown, .unresponsive, .unknown: true
        case .shutOff, .crashed: false
        }
    }
}

/// A domain's state, why it is in it, and what a person should know about it.
public struct DomainStatus: Sendable, Hashable, Codable {
    public var state: DomainState
    /// virsh's reason: `booted`, `user`, `destroyed`, `shutdown`, `crashed`, …
    public var reason: String
    /// A sentence for people, where there is more to say: what contradicts what, who waits for whom.
    public var note: String?

    public init(_ state: DomainState, _ reason: String, note: String? = nil) {
        self.state = state
        self.reason = reason
        self.note = note
    }
}
