import FoundationEssentials
import LodgeCore

/// What a domain's record and the world say of it, and what follows from both (``reconcile``).
struct Observation: Sendable {
    let reading: RecordReading
    let verdict: Verdict
    /// Whether somebody holds the object's lock: what looks half-made is being made or taken away right now.
    let isBusy: Bool

    /// The record of this boot.
    var record: StatusRecord? {
        guard case .record(let record) = reading else { return nil }
        return record
    }

    /// Whether it counts as running: certainly, or because nobody can tell.
    var isActive: Bool {
        switch verdict {
        case .active, .unknown: true
        case .undo: isBusy && record?.phase == .stopping
        case .inactive: false
        }
    }

    /// Whether load has nothing to do for it.
    var isSettled: Bool { verdict == .active }

    /// The record of a domain that certainly runs.
    ///
    /// - Throws: `invalidState` when it does not run, or cannot be judged.
    func requireActive(_ reference: @autoclosure () -> ObjectReference) throws(LodgeError) -> StatusRecord {
        if verdict == .active, let record { return record }
        // Its name takes reading files, so it is asked for only now.
        let reference = reference()
        switch verdict {
        case .active: throw LodgeError(.invalidState, "it is not running", object: reference)
        case .unknown(let reason):
            throw LodgeError(.invalidState, "whether it runs cannot be told: \(reason)", object: reference)
        case .undo, .inactive:
            throw LodgeError(
                .invalidState, "it is not running", object: reference, hint: "lodge start \(reference.name)")
        }
    }
}

extension QEMUDriver {
    /// Looks at record, lease and process. No lock, no monitor.
    func observe(_ uuid: UUID) throws(LodgeError) -> Observation {
        let reading = try store.readRecord(.domain, uuid)
        let lease = try Lease.state(at: leasePath(uuid))
        var process: ProcessPresence?
        if case .record(let record) = reading { process = record.process?.presence(features: features) }
        let verdict = reconcile(reading, lease: lease, process: process)
        let isSettled = verdict == .active || verdict == .inactive
        return Observation(reading: reading, verdict: verdict, isBusy: !isSettled && store.isLocked(.domain, uuid))
    }
}
