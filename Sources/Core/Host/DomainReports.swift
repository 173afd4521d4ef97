public import FoundationEssentials

/// One line of `list`: read from the record and the lease alone, without asking QEMU.
public struct DomainSummary: Sendable, Hashable, Codable {
    /// The number of this run, nil when the domain is not active.
    public var id: Int?
    /// Nil when the definition cannot be read and nothing runs: ``note`` says why.
    public var uuid: UUID?
    public var name: String
    /// For an active domain filled only when titles were asked for.
    public var title: String?
    public var state: DomainState
    public var reason: String
    /// Whether a definition outlives the run.
    public var persistent: Bool
    public var autostart: Bool
    public var note: String?

    /// State, reason and note together.
    public var status: DomainStatus {
        get { DomainStatus(state, reason, note: note) }
        set { (state, reason, note) = (newValue.state, newValue.reason, newValue.note) }
    }

    public init(
        id: Int?, uuid: UUID?, name: String, title: String? = nil, status: DomainStatus, persistent: Bool,
        autostart: Bool
    ) {
        self.id = id
        self.uuid = uuid
        self.name = name
        self.title = title
        self.state = status.state
        self.reason = status.reason
        self.note = status.note
        self.persistent = persistent
        self.autostart = autostart
    }
}

/// What `dominfo` shows.
public struct DomainInfo: Sendable, Hashable, Codable {
    public var id: Int?
    public var uuid: UUID?
    public var name: String
    public var title: String?
    public var osType: String
    public var state: DomainState
    public var reason: String
    public var note: String?
    public var cpus: Int
    public var maxMemoryKiB: UInt64
    public var usedMemoryKiB: UInt64
    /// User and system time of QEMU, nil when it does not run.
    public var cpuTimeNanoseconds: UInt64?
    public var persistent: Bool
    public var autostart: Bool
    public var pid: Int32?
    /// Who follows its events, as `process PID`; nil when nobody does.
    public var supervisor: String?
    public var emulator: String

    public init(
        summary: DomainSummary, osType: String, cpus: Int, maxMemoryKiB: UInt64, usedMemoryKiB: UInt64,
        cpuTimeNanoseconds: UInt64?, pid: Int32?, supervisor: String?, emulator: String
    ) {
        self.id = summary.id
        self.uuid = summary.uuid
        self.name = summary.name
        self.title = summary.title
        self.osType = osType
        self.state = summary.state
        self.reason = summary.reason
        self.note = summary.note
        self.cpus = cpus
        self.maxMemoryKiB = maxMemoryKiB
        self.usedMemoryKiB = usedMemoryKiB
        self.cpuTimeNanoseconds = cpuTimeNanoseconds
        self.persistent = summary.persistent
        self.autostart = summary.autostart
        self.pid = pid
        self.supervisor = supervisor
        self.emulator = emulator
    }
}

/// A serial port or console of an active domain and what it is connected to.
public struct ConsoleInfo: Sendable, Hashable, Codable {
    /// QEMU's name of it: `serial0`, `console0`.
    public var alias: String
    /// The back end: `pty`, `unix`, `file`, …
    public var type: String
    /// The terminal, socket or file, where there is one.
    public var path: String?

    public init(alias: String, type: String, path: String?) {
        self.alias = alias
        self.type = type
        self.path = path
    }
}

/// What happened to a domain while it was supervised.
public struct DomainEvent: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable {
        case started, suspended, resumed, shutdown, reset, panicked, watchdog, ioError, restarted, stopped
    }

    public var kind: Kind
    /// virsh's reason or QEMU's detail, for people.
    public var detail: String
    /// Milliseconds since 1970, by this host's clock.
    public var time: Int64

    public init(_ kind: Kind, _ detail: String, time: Int64) {
        self.kind = kind
        self.detail = detail
        self.time = time
    }
}

/// One thing that load found and did: repaired, undone, degraded, unknown.
public struct LoadEvent: Sendable, Hashable, Codable {
    public enum Outcome: String, Sendable, Hashable, Codable {
        /// Active, and something missing was put back.
        case repaired
        /// Active, with something missing that cannot be put back from here.
        case degraded
        /// Not active any more; what was left of it was taken away.
        case undone
        /// Cannot be judged; nothing was touched.
        case unknown
        /// Started because it is marked so.
        case autostarted
        /// Recovery or autostart was tried and failed.
        case failed
    }

    public var object: String
    public var outcome: Outcome
    public var detail: String

    public init(_ object: ObjectReference, _ outcome: Outcome, _ detail: String) {
        self.object = object.description
        self.outcome = outcome
        self.detail = detail
    }
}
