public import FoundationEssentials
import Glibc
public import LodgeCore

/// What a domain is and does.
extension QEMUDriver {
    /// A guest that is asked for its state alone gets no longer than this.
    private static let statusPatience = Duration.seconds(1)

    /// Asks QEMU itself, and lets its answer win over the record. See ``Domain/status()``.
    public func status(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> DomainStatus {
        let observation = try observe(uuid)
        guard case .active = observation.verdict, let seen = observation.record else {
            return try status(of: observation, uuid)
        }
        let context = context.until(.after(Self.statusPatience))
        do throws(LodgeError) {
            return try control(uuid, "domstate", context: context) {
                (monitor, record, context) throws(LodgeError) -> DomainStatus in
                let now = try monitor.queryStatus(context: context)
                if now.state.rawValue != record.state { record.enter(now.state, now.reason) }
                return DomainStatus(now.state, record.reason ?? now.reason, note: now.note)
            }
        } catch {
            switch error.code {
            case .timeout, .busy:
                // Somebody else's exchange is no silence of QEMU's.
                if let owner = FileLock.owner(store.lockPath(.domain, uuid)) {
                    var status = DomainStatus(record: seen)
                    status.note = "as of its record: process \(owner.pid) is at work on it ('\(owner.operation)')"
                    return status
                }
                return DomainStatus(
                    .unresponsive, "monitor silent",
                    note: "QEMU (process \(seen.process?.pid ?? 0)) does not answer its monitor; it is still active")
            case .monitor, .notFound, .invalidState:
                // It ended while it was asked.
                let again = try observe(uuid)
                if case .active = again.verdict { throw error }
                return try status(of: again, uuid)
            default: throw error
            }
        }
    }

    /// The state as far as record and lease tell it.
    func status(of observation: Observation, _ uuid: UUID) throws(LodgeError) -> DomainStatus {
        switch observation.verdict {
        case .active:
            guard let record = observation.record else { return DomainStatus(.unknown, "no record") }
            return DomainStatus(record: record)
        case .unknown(let reason): return DomainStatus(.unknown, "cannot tell", note: reason)
        case .undo(let reason): return DomainStatus(reason == "crashed" ? .crashed : .shutOff, reason)
        case .inactive:
            let name = try keptName(of: uuid)
            return name.map { log(of: $0).lastStop() } ?? DomainStatus(.shutOff, "unknown")
        }
    }

    public func info(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> DomainInfo {
        let status = try status(uuid, context: context)
        let observation = try observe(uuid)
        let record = status.state.isActive ? observation.record : nil
        let definition: DomainDefinition
        if record != nil, let live = try liveDefinition(uuid) {
            definition = live
        } else {
            definition = try keptDefinition(of: uuid)
        }
        let persistent = record?.persistent ?? true
        let isMarked = try store.isAutostart(.domain, definition.name)
        let summary = DomainSummary(
            id: record?.id, uuid: uuid, name: definition.name, title: definition.title, status: status,
            persistent: persistent,
            autostart: persistent && isMarked)
        let pid = record?.process?.pid
        return DomainInfo(
            summary: summary, osType: "hvm", cpus: Int(definition.vcpu.current ?? definition.vcpu.maximum),
            maxMemoryKiB: definition.memory.kibibytesRoundedUp,
            usedMemoryKiB: (definition.currentMemory ?? definition.memory).kibibytesRoundedUp,
            cpuTimeNanoseconds: pid.flatMap(ProcessTimes.nanoseconds), pid: pid,
            supervisor: FileLock.owner(supervisorLock(uuid)).map { "process \($0.pid)" },
            emulator: try emulator(of: definition))
    }

    /// See ``Domain/consoles()``.
    public func consoles(_ uuid: UUID) throws(LodgeError) -> [ConsoleInfo] {
        guard try observe(uuid).isActive, let live = try liveDefinition(uuid) else {
            throw LodgeError(.invalidState, "it is not active", object: reference(uuid))
        }
        let serials = live.devices.serials.map { (alias: $0.alias, backend: $0.backend) }
        let consoles = live.devices.consoles.filter { $0.target == .virtio }.map {
            (alias: $0.alias, backend: $0.backend)
        }
        return (serials + consoles).map { entry in
            let report = entry.backend.report
            return ConsoleInfo(alias: entry.alias ?? "", type: report.type, path: report.path)
        }
    }

    public func logTail(_ name: String, limit: Int) -> [UInt8] { log(of: name).tail(limit: limit) }
    public func logPath(_ name: String) -> String { log(of: name).path }

    /// The command line that a start of a kept definition would use.
    public func nativeArguments(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> [String] {
        try nativeArguments(try resolve(try keptDefinition(of: uuid), context: context))
    }

    public func nativeArguments(xml: [UInt8], file: String, context: OperationContext) throws(LodgeError) -> [String] {
        try nativeArguments(try read(xml: xml, file: file, context: context))
    }

    /// With what a start decides filled in as it usually turns out: taps for all that need one, the first VNC ports.
    private func nativeArguments(_ definition: DomainDefinition) throws(LodgeError) -> [String] {
        let taps = definition.devices.interfaces.indices.filter { definition.devices.interfaces[$0].source != .user }
        var ports: [Int: UInt16] = [:]
        for index in definition.devices.graphics.indices { ports[index] = 5900 + UInt16(clamping: index) }
        for (index, graphics) in definition.devices.graphics.enumerated() {
            if case .vnc(let vnc) = graphics, let port = vnc.port { ports[index] = port }
        }
        let inputs = LaunchInputs(
            emulator: try emulator(of: definition),
            runDirectory: store.runtimeDirectory(.domain, try identity(of: definition)), taps: Set(taps),
            vncPorts: ports, now: Timestamp.now())
        return try LaunchPlan(definition, inputs).arguments
    }
}

extension DomainStatus {
    /// As the record has it.
    init(record: StatusRecord) {
        self.init(record.state.flatMap(DomainState.init(rawValue:)) ?? .unknown, record.reason ?? "unknown")
    }
}

/// How much processor time a process has had.
enum ProcessTimes {
    /// User and system time, fields 14 and 15 of `/proc/PID/stat` (proc(5)).
    static func nanoseconds(of pid: Int32) -> UInt64? {
        let read = try? AtomicFile.read("/proc/\(pid)/stat", limit: 4096)
        guard let bytes = read ?? nil else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // The name in parentheses may hold spaces and parentheses of its own.
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        let ticks = UInt64(clamping: sysconf(CInt(_SC_CLK_TCK)))
        let (sum, overflow) = user.addingReportingOverflow(system)
        guard ticks > 0, !overflow else { return nil }
        return sum.multipliedReportingOverflow(by: 1_000_000_000 / ticks).partialValue
    }
}
