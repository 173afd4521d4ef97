import LodgeCore

/// Something that QEMU reports by itself: `STOP`, `SHUTDOWN`, … (QEMU QMP Reference Manual, "Events").
public struct MonitorEvent: Sendable, Hashable {
    public var name: String
    /// QEMU's clock when it happened: seconds and microseconds since 1970.
    public var seconds: Int64
    public var microseconds: Int64
    public var data: JSONValue

    /// Reads a message as an event, nil when it is none.
    init?(_ message: JSONValue) {
        guard let name = message["event"]?.string else { return nil }
        self.name = name
        seconds = message["timestamp"]?["seconds"]?.integer ?? 0
        microseconds = message["timestamp"]?["microseconds"]?.integer ?? 0
        data = message["data"] ?? .object([:])
    }

    /// What must never be lost, however many others come: it decides about the guest's state.
    var isVital: Bool { Self.vital.contains(name) }

    private static let vital: Set<String> = [
        "STOP", "RESUME", "SHUTDOWN", "RESET", "POWERDOWN", "GUEST_PANICKED", "WATCHDOG", "BLOCK_IO_ERROR",
        "DEVICE_DELETED",
    ]
}

/// Events in order, with a bound: of a flood the latest of each kind that says no more than its last one did survive.
struct EventQueue: Sendable {
    static let limit = 1024

    private(set) var events: [MonitorEvent] = []
    /// How many were left out.
    private(set) var dropped = 0

    mutating func append(_ event: MonitorEvent) {
        if events.count >= Self.limit {
            // Room is made at the cost of what decides nothing; a flood of vital ones folds into its latest.
            let victim = events.firstIndex { !$0.isVital } ?? events.firstIndex { $0.name == event.name }
            dropped += 1
            guard let victim else { return }
            events.remove(at: victim)
        }
        events.append(event)
    }

    mutating func takeAll() -> [MonitorEvent] {
        defer { events = [] }
        return events
    }
}
