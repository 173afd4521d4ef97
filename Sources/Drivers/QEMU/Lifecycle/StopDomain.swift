public import FoundationEssentials
import Glibc
public import LodgeCore

/// Ending a run. Destroy, a failed start, a guest that ended by itself and recovery on load all come through
/// ``takeAway(_:reason:context:)``, which does whatever of it is still to do.
extension QEMUDriver {
    /// How long QEMU may take to end by itself, in libvirt's measure too.
    static let gracefulPatience = Duration.seconds(10)
    /// How long a killed process may take to be gone: longer only when it hangs in the kernel.
    static let killPatience = Duration.seconds(30)

    /// Ends QEMU and takes away what belonged to the run. See ``Domain/destroy(graceful:)``.
    public func destroy(_ uuid: UUID, graceful: Bool, context: OperationContext) throws(LodgeError) {
        let lock = try store.lock(.domain, uuid, operation: "destroy", context: context)
        let observation = try observe(uuid)
        var record = try observation.requireActive(reference(uuid))
        if graceful {
            // Not yet "stopping": if QEMU does not end, the guest goes on.
            try endGracefully(record, context: context)
        }
        record.phase = .stopping
        record.reason = "destroyed"
        try store.writeRecord(&record)
        try takeAway(record, reason: "destroyed", context: context)
        _ = consume lock
    }

    private func endGracefully(_ record: StatusRecord, context: OperationContext) throws(LodgeError) {
        guard let process = try openProcess(of: record) else { return }
        _ = try process.signal(SIGTERM)
        do throws(LodgeError) {
            try process.wait("waiting for QEMU to end", context: context.until(.after(Self.gracefulPatience)))
        } catch {
            guard error.code == .timeout else { throw error }
            throw LodgeError(
                .timeout, "QEMU did not end by itself within \(Self.gracefulPatience.components.seconds) seconds",
                object: record.reference, hint: "destroy it without --graceful")
        }
    }

    /// Takes away all that a record names, then the record. Needs the object's lock. Doing it twice changes nothing.
    func takeAway(_ record: StatusRecord, reason: String, context: OperationContext) throws(LodgeError) {
        // Once begun it is carried to its end, or the next load does it: not for the caller to cancel.
        let context = context.shielded(for: Self.killPatience)
        try Lease.endHolder(at: leasePath(record.uuid), recorded: record.process, features: features, context: context)
        try interfaces.detach(record.resources, context: context)
        log(of: record.name).noteStop(reason)
        try store.removeRuntime(.domain, record.uuid)
    }

    /// Takes away what is left of a run that is not active. Needs the object's lock.
    ///
    /// Without a record of this boot there is nothing but files. Returns the record of which something was taken away.
    @discardableResult
    func undo(
        _ observation: Observation, _ uuid: UUID, reason: String, context: OperationContext
    ) throws(LodgeError) -> StatusRecord? {
        guard let record = observation.record else {
            try store.removeRuntime(.domain, uuid)
            return nil
        }
        try takeAway(record, reason: reason, context: context)
        return record
    }

    /// The process of a record, opened and found to be the one meant; nil when it is gone.
    func openProcess(of record: StatusRecord) throws(LodgeError) -> PidFD? {
        guard let identity = record.process else { return nil }
        switch try PidFD.find(identity, features: features) {
        case .alive(let process): return process
        case .gone: return nil
        case .replaced: return nil
        case .cannotTell(let why):
            throw LodgeError(.invalidState, "its process cannot be reached: \(why)", object: record.reference)
        }
    }
}
