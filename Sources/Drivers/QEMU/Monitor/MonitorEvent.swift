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

/// Events in order, bounded in number and bytes.
///
/// Of a flood those go that decide nothing, the oldest first. When vital ones alone fill the queue, the oldest of the
/// same name makes room for the newest, so that what the guest came to is still told.
struct EventQueue: Sendable {
    static let limit = 1024
    /// No event of QEMU's has more than a few hundred bytes. The data of a longer one is left out.
    static let sizeLimit = 4096

    private(set) var events: [MonitorEvent] = []
    /// How many were left out.
    private(set) var dropped = 0
    private var vital = 0

    /// - Parameter size: bytes of the event's text.
    mutating func append(_ event: MonitorEvent, bytes size: Int) {
        var event = event
        if size > Self.sizeLimit { event.data = .object([:]) }
        if events.count >= Self.limit {
            dropped += 1
            guard makeRoom(for: event) else { return }
        }
        events.append(event)
        if event.isVital { vital += 1 }
    }

    private mutating func makeRoom(for event: MonitorEvent) -> Bool {
        if vital < events.count, let victim = events.firstIndex(where: { !$0.isVital }) {
            events.remove(at: victim)
            return true
        }
        guard event.isVital, let victim = events.firstIndex(where: { $0.name == event.name }) ?? events.indices.first
        else { return false }
        events.remove(at: victim)
        vital -= 1
        return true
    }

    mutating func takeAll() -> [MonitorEvent] {
        defer {
            events = []
            vital = 0
        }
        return events
    }
}
