import FoundationEssentials
public import LodgeCore
import LodgeNetlink
import Logging

/// What a process does when it opens a root: judge every network that has a record, put back what is missing, take away
/// what a dead manager left. Loading twice changes nothing.
extension NetworkDriver {
    public func load(context: OperationContext) throws(LodgeError) -> [LoadEvent] {
        let uuids = try store.runtimeUUIDs(.network)
        guard !uuids.isEmpty else { return [] }
        let session = try NetlinkSession()
        var survey = try NetworkSurvey(namespace: namespace, session: session)
        try survey.lookDeeper(session)
        var events: [LoadEvent] = []
        for uuid in uuids {
            try context.check()
            do throws(LodgeError) {
                let reading = try store.readRecord(.network, uuid)
                let presence = try survey.presence(of: reading.record, isLocked: false, store: store)
                if reconcile(reading, presence) == .active { continue }
                // Locked: somebody is at work on it, and what looks half-made is being made.
                guard let lock = try store.tryLock(.network, uuid, operation: "load") else { continue }
                if let event = try recover(uuid, context: context) { events.append(event) }
                _ = consume lock
            } catch {
                // One network that cannot be recovered must not keep the others from being used.
                let object = reference(uuid)
                logger.warning(
                    "network not recovered", metadata: ["network": "\(object.name)", "error": "\(error)"])
                events.append(LoadEvent(object, .failed, "\(error)"))
            }
        }
        return events
    }

    /// Under the lock: looks again, because the first look was before it, and acts on what it sees.
    private func recover(_ uuid: UUID, context: OperationContext) throws(LodgeError) -> LoadEvent? {
        let reading = try store.readRecord(.network, uuid)
        let session = try NetlinkSession()
        var survey: NetworkSurvey
        if let record = reading.record {
            survey = try NetworkSurvey(of: record, namespace: namespace, session: session)
            try survey.lookDeeper(session)
        } else {
            survey = try NetworkSurvey(namespace: namespace, session: session)
        }
        let verdict = reconcile(reading, try survey.presence(of: reading.record, isLocked: false, store: store))
        try store.removeLeftovers(.network, uuid)
        switch verdict {
        case .active, .inWork: return nil
        case .inactive:
            try store.removeRuntime(.network, uuid)
            return nil
        case .unknown(let reason):
            let object = reference(uuid)
            if case .unreadable = reading { try store.quarantine(.network, uuid) }
            logger.warning("network cannot be judged", metadata: ["network": "\(object.name)", "reason": "\(reason)"])
            return LoadEvent(object, .unknown, reason)
        case .undo(let reason):
            guard let record = reading.record else { return nil }
            try takeAway(record, context: context)
            logger.info("residue undone", metadata: ["network": "\(record.name)", "reason": "\(reason)"])
            return LoadEvent(record.reference, .undone, reason)
        case .damaged(let defects):
            guard let record = reading.record else { return nil }
            return try repair(record, defects, session, context: context)
        }
    }

    private func repair(
        _ record: StatusRecord, _ defects: [NetworkDefect], _ session: NetlinkSession, context: OperationContext
    ) throws(LodgeError) -> LoadEvent {
        let what = defects.map(\.rawValue).joined(separator: ", ")
        do throws(LodgeError) {
            guard let definition = try live(record.uuid), let index = record.bridgeIndex else {
                throw LodgeError(.corrupt, "what the network runs with is not on disk any more")
            }
            let plan = try NetworkPlan(
                definition, uuid: record.uuid, index: index, resolvers: HostResolvers.read())
            guard let bridge = plan.bridge else { return LoadEvent(record.reference, .degraded, what) }
            if defects.contains(.name) { try rename(bridge, session) }
            if defects.contains(.name) || defects.contains(.addresses) { try finishLinks(plan, bridge, session) }
            if defects.contains(.forwarding) {
                for family in plan.forwarding {
                    try ForwardingSwitch(family).hold(
                        for: plan.uuid, store: store, namespace: namespace, context: context)
                }
            }
            if defects.contains(.filter), let filter = plan.filter { try makeFilter(filter) }
            if defects.contains(.dnsmasq), let dnsmasq = plan.dnsmasq {
                try start(dnsmasq, of: plan, context: context)
            }
        } catch {
            logger.warning(
                "network damaged", metadata: ["network": "\(record.name)", "missing": "\(what)", "error": "\(error)"])
            return LoadEvent(record.reference, .degraded, "missing: \(what); \(error)")
        }
        logger.info("network repaired", metadata: ["network": "\(record.name)", "missing": "\(what)"])
        return LoadEvent(record.reference, .repaired, "was missing: \(what)")
    }

    /// Gives the bridge its name back. Before Linux 6.2 it must be down for that.
    private func rename(_ bridge: BridgeRequest, _ session: NetlinkSession) throws(LodgeError) {
        try session.set(index: bridge.index, LinkChange(isUp: false), of: bridge.name)
        try session.set(index: bridge.index, LinkChange(name: bridge.name), of: bridge.name)
    }
}
