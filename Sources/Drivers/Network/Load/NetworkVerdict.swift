public import LodgeCore

/// What the world shows of a network that has a record.
public struct NetworkPresence: Sendable, Hashable {
    public enum Bridge: Sendable, Hashable {
        /// The ifindex of the record, and a bridge.
        case ours
        /// The same, under another name.
        case renamed(String)
        case absent
        /// Something else has the name.
        case foreign(String)
    }

    public enum Part: Sendable, Hashable {
        case whole
        case missing
    }

    /// Whether somebody is at work on it.
    public var isLocked: Bool
    /// The namespace that was looked at.
    public var namespace: UInt64
    public var bridge: Bridge
    public var addresses: Part
    public var filter: Part
    public var dnsmasq: Part
    public var forwarding: Part

    public init(
        isLocked: Bool = false, namespace: UInt64, bridge: Bridge, addresses: Part = .whole, filter: Part = .whole,
        dnsmasq: Part = .whole, forwarding: Part = .whole
    ) {
        self.isLocked = isLocked
        self.namespace = namespace
        self.bridge = bridge
        self.addresses = addresses
        self.filter = filter
        self.dnsmasq = dnsmasq
        self.forwarding = forwarding
    }
}

/// What of an active network is missing and can be put back.
public enum NetworkDefect: String, Sendable, Hashable, CaseIterable {
    case name = "the bridge's name"
    case addresses
    case filter = "the packet filter table"
    case dnsmasq
    case forwarding = "IP forwarding"
}

/// What a record and the world together say.
public enum NetworkVerdict: Sendable, Hashable {
    case active
    /// Active, with something to put back.
    case damaged([NetworkDefect])
    /// Somebody is making it, or taking it away.
    case inWork
    /// Not active; nothing of it is there.
    case inactive
    /// Not active; what the record names must be taken away.
    case undo(String)
    /// Cannot be judged.
    case unknown(String)

    public var isActive: Bool {
        switch self {
        case .active, .damaged: true
        case .inWork, .inactive, .undo, .unknown: false
        }
    }
}

/// The table of `docs/on-load.md` for networks: a pure function of what is written and what is seen.
public func reconcile(_ reading: RecordReading, _ presence: NetworkPresence) -> NetworkVerdict {
    let record: StatusRecord
    switch reading {
    case .absent: return presence.isLocked ? .inWork : .inactive
    case .otherBoot: return presence.isLocked ? .inWork : .inactive
    case .unreadable(let reason): return .unknown("its record cannot be read: \(reason)")
    case .newerSchema(let schema): return .unknown("its record is of schema \(schema), from a newer version")
    case .record(let found): record = found
    }
    if presence.isLocked && record.phase != .running { return .inWork }
    guard record.namespace == nil || record.namespace == presence.namespace else {
        return .unknown("it was started in another network namespace")
    }
    switch record.phase {
    case .preparing: return .undo("its start was not finished")
    case .stopping: return .undo("its end was not finished")
    case .running: break
    }
    var defects: [NetworkDefect] = []
    switch presence.bridge {
    case .absent: return .undo("its bridge is gone")
    case .foreign(let what): return .undo("its bridge is gone, and \(what)")
    case .ours: break
    case .renamed: defects.append(.name)
    }
    if presence.addresses == .missing { defects.append(.addresses) }
    if presence.filter == .missing { defects.append(.filter) }
    if presence.dnsmasq == .missing { defects.append(.dnsmasq) }
    if presence.forwarding == .missing { defects.append(.forwarding) }
    return defects.isEmpty ? .active : .damaged(defects)
}
