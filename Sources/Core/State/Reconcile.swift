/// What an object is, as far as record and world together tell. "Cannot tell" is an answer of its own.
public enum Verdict: Sendable, Hashable {
    /// Nothing of it is there.
    case inactive
    case active
    /// Not active; what is left of it has to be taken away. With virsh's reason for its end.
    case undo(String)
    /// Cannot be judged, and why. Never counts as stopped: nothing is started, nothing is taken away.
    case unknown(String)
}

/// Judges a guest by its record, its lease and its recorded process. Pure.
///
/// *Stopped* needs both: the lease free and the process gone. A free lease alone is not enough (a guest that broke out
/// of its QEMU could give its own up), nor is a process that is gone (its identity may have been recorded wrongly).
/// - Parameter process: nil when the record names none, which is so until QEMU has been started.
public func reconcile(_ reading: RecordReading, lease: Lease.State, process: ProcessPresence?) -> Verdict {
    switch reading {
    case .absent: return lease == .held ? .unknown("its lease is held, and it has no record") : .inactive
    case .otherBoot:
        // Whatever the record names went with that boot; a held lease says that the record is not what it seems.
        return lease == .held ? .unknown("its record is of another boot, and its lease is held") : .undo("unknown")
    case .unreadable(let why): return .unknown("its record cannot be read: \(why)")
    case .newerSchema(let version): return .unknown("its record is of a newer version of Lodge (schema \(version))")
    case .record(let record):
        switch record.phase {
        case .preparing: return .undo("failed")
        case .stopping: return .undo(record.reason ?? "destroyed")
        case .running: return reconcileRunning(record, lease: lease, process: process)
        }
    }
}

private func reconcileRunning(_ record: StatusRecord, lease: Lease.State, process: ProcessPresence?) -> Verdict {
    let holding = lease == .held ? "its lease is held" : "its lease is not held"
    switch process {
    case .alive: return lease == .held ? .active : .unknown("its process lives, and \(holding)")
    // A lock that is still held leaked to somebody else's descriptor; the next start replaces the file. Nobody saw the
    // end: of a guest that had been asked to shut down it was most likely that.
    case .gone, .replaced: return .undo(record.reason == StatusRecord.askedToShutDown ? "shutdown" : "crashed")
    case .cannotTell: return .unknown("\(holding), and whether its process lives cannot be seen from here")
    case nil: return .unknown("\(holding), and its record names no process")
    }
}
