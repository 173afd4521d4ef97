public import FoundationEssentials
public import LodgeCore
import LodgeNetlink
import Logging

/// net-destroy, and the one way down that failed starts and recovery take too.
extension NetworkDriver {
    /// Takes away all that belongs to an active network. Guests' taps lose their bridge and stay.
    ///
    /// A network that cannot be judged is taken away by what its UUID alone tells.
    /// - Throws: `invalidState` when it is not active, or belongs to a network namespace that still lives.
    public func destroy(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        try locked(uuid, "net-destroy", context) { () throws(LodgeError) in
            let (reading, verdict) = try observe(uuid)
            let object = reference(uuid)
            switch verdict {
            case .active, .damaged, .undo: break
            case .unknown: return try destroyUnknown(uuid, reading, object, context: context)
            case .inWork, .inactive:
                try store.removeRuntime(.network, uuid)
                throw notActive(object)
            }
            guard var record = reading.record else { throw notActive(object) }
            record.phase = .stopping
            try store.writeRecord(&record)
            // Once begun it is finished: half a network helps nobody.
            try takeAway(record, context: context.shielded(for: .seconds(30)))
            logger.info("network destroyed", metadata: ["network": "\(record.name)"])
        }
    }

    private func notActive(_ object: ObjectReference) -> LodgeError {
        LodgeError(
            .invalidState, "the network is not active", object: object,
            hint: "'lodge net-start \(object.name)' starts it")
    }

    private func destroyUnknown(
        _ uuid: UUID, _ reading: RecordReading, _ object: ObjectReference, context: OperationContext
    ) throws(LodgeError) {
        if case .record(let record) = reading, let cookie = record.namespace, cookie != namespace {
            if let process = NamespaceSearch.process(in: cookie) {
                throw LodgeError(
                    .invalidState, "the network runs in another network namespace", object: object,
                    hint: "destroy it there: 'nsenter --net=/proc/\(process)/ns/net lodge net-destroy \(object.name)'")
            }
            // The namespace is gone, and its links with it; only the server may be left.
            try takeAway(record, reaches: false, context: context)
            for family in IPAddress.Family.allCases {
                try Directory.remove(ForwardingSwitch(family).directory(store, cookie))
            }
            return
        }
        logger.warning(
            "destroyed by UUID alone", metadata: ["network": "\(object.name)", "reason": "its record is unreadable"])
        try takeAway(
            StatusRecord(
                boot: store.bootID, kind: .network, uuid: uuid, name: object.name,
                persistent: try kept(uuid) != nil, namespace: namespace, phase: .stopping,
                resources: try derivedResources(uuid)),
            context: context)
    }

    /// What a network's UUID tells about its resources when its record does not.
    private func derivedResources(_ uuid: UUID) throws(LodgeError) -> [Resource] {
        let alias = NetworkPlan.alias(of: uuid)
        let table = FilterPlan.table(of: uuid)
        var resources: [Resource] = []
        for link in try NetlinkSession().links(kind: "bridge") where link.alias == alias {
            resources.append(.link(name: link.name, index: link.index, kind: "bridge", mac: link.mac))
        }
        resources.append(.nftTable(family: table.family, name: table.name, rules: 0))
        resources += IPAddress.Family.allCases.map { .sysctl(key: ForwardingSwitch($0).key) }
        resources.append(.process(role: "dnsmasq", lease: Dnsmasq.leaseName))
        return resources
    }

    /// Takes away what a record names, the last made first; what is gone already is no error. Then the record goes.
    ///
    /// The one way down: destroy, failed starts and recovery. Doing it twice changes nothing. Needs the object's lock.
    /// - Parameter reaches: false when the record's namespace is gone, and with it all that was in it.
    func takeAway(_ record: StatusRecord, reaches: Bool = true, context: OperationContext) throws(LodgeError) {
        for resource in record.resources.reversed() {
            switch resource {
            case .process(_, let lease):
                let path = store.runtimeDirectory(.network, record.uuid) + "/" + lease
                try Dnsmasq.end(at: path, features: features, context: context)
            case .sysctl(let key):
                guard reaches, let held = ForwardingSwitch(key: key) else { continue }
                try held.release(
                    for: record.uuid, store: store, namespace: record.namespace ?? namespace, context: context)
            case .nftTable(let family, let name, _):
                guard reaches else { continue }
                try NetlinkSession(.netfilter).deleteFilterTable(FilterTable(family: family, name: name))
            case .link(_, let index, let kind, _):
                guard reaches, kind == "bridge" else { continue }
                try NetlinkSession().deleteLink(index: index, kind: kind)
            default: continue
            }
        }
        if !record.persistent, try kept(record.uuid) == nil { try removeLeases(record.uuid) }
        try store.removeRuntime(.network, record.uuid)
    }
}
