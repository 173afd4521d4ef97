import FoundationEssentials
public import LodgeCore
import Logging

/// What a process does when it opens a root: judge every run, and take away what a dead manager or a dead QEMU left.
extension QEMUDriver {
    /// Judges all domains that have a record. Loading twice changes nothing.
    public func load(context: OperationContext) throws(LodgeError) -> [LoadEvent] {
        var events: [LoadEvent] = []
        for uuid in try store.runtimeUUIDs(.domain) {
            try context.check()
            do throws(LodgeError) {
                if let event = try load(uuid, context: context) { events.append(event) }
            } catch {
                // One domain that cannot be recovered must not keep the others from being used.
                logger.warning("domain not recovered", metadata: ["domain": "\(reference(uuid))", "error": "\(error)"])
                events.append(LoadEvent(reference(uuid), .failed, "\(error)"))
            }
        }
        return events
    }

    private func load(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> LoadEvent? {
        if try observe(uuid).isSettled { return nil }
        // Locked: somebody is at work on it, and what looks half-made is being made.
        guard let lock = try store.tryLock(.domain, uuid, operation: "load") else { return nil }
        let event = try recover(uuid, context: context)
        _ = consume lock
        return event
    }

    /// Under the lock: looks again and acts on what it sees.
    private func recover(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> LoadEvent? {
        let observation = try observe(uuid)
        try store.removeLeftovers(.domain, uuid)
        switch observation.verdict {
        case .active: return nil
        case .inactive:
            try store.removeRuntime(.domain, uuid)
            return nil
        case .undo(let reason):
            guard let record = try undo(observation, uuid, reason: reason, context: context) else { return nil }
            logger.info("residue undone", metadata: ["domain": "\(record.name)", "reason": "\(reason)"])
            return LoadEvent(record.reference, .undone, reason)
        case .unknown(let reason):
            if case .unreadable = observation.reading { try store.quarantine(.domain, uuid) }
            logger.warning(
                "domain cannot be judged", metadata: ["domain": "\(reference(uuid))", "reason": "\(reason)"])
            return LoadEvent(reference(uuid), .unknown, reason)
        }
    }

    /// Starts those that are marked. Called once per boot.
    public func autostart(
        context: OperationContext
    ) throws(LodgeError) -> [LoadEvent] {
        var events: [LoadEvent] = []
        for name in try store.autostartNames(.domain) {
            let object = ObjectReference(.domain, name)
            do throws(LodgeError) {
                guard let uuid = try keptUUID(of: name) else { continue }
                if try observe(uuid).isActive { continue }
                try start(uuid, paused: false, context: context)
                events.append(LoadEvent(object, .autostarted, "marked to start with the host"))
            } catch {
                logger.warning("autostart failed", metadata: ["domain": "\(name)", "error": "\(error)"])
                events.append(LoadEvent(object, .failed, "\(error)"))
            }
        }
        return events
    }
}
