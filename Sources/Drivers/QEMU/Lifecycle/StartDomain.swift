public import FoundationEssentials
public import LodgeCore

/// From a definition to a running guest. What a start makes is named in the record first, so a start that fails and a
/// start whose process is killed are undone by the same ``takeAway(_:reason:context:)``.
extension QEMUDriver {
    /// What comes between QEMU's handshake and the guest's first instruction: a supervisor connects here.
    public typealias BeforeRunning = (StatusRecord) throws(LodgeError) -> Void

    /// Starts a kept definition.
    @discardableResult
    public func start(
        _ uuid: UUID, paused: Bool, context: OperationContext, beforeRunning: BeforeRunning = { _ in }
    ) throws(LodgeError) -> StatusRecord {
        let lock = try store.lock(.domain, uuid, operation: "start", context: context)
        try requireInactive(uuid, context: context)
        let definition = try resolve(try keptDefinition(of: uuid), context: context)
        var start = try DomainStart(self, definition, persistent: true, paused: paused, context: context)
        let record = try start.carryOut(beforeRunning)
        _ = consume lock
        return record
    }

    /// Starts a definition that is not kept. See ``Host/create(xml:file:options:)``.
    @discardableResult
    public func create(
        _ definition: DomainDefinition, paused: Bool, context: OperationContext,
        beforeRunning: BeforeRunning = { _ in }
    ) throws(LodgeError) -> StatusRecord {
        let uuid = try identity(of: definition)
        let names = try store.lockStore(operation: "create", context: context)
        try checkFree(name: definition.name, uuid: uuid)
        let lock = try store.lock(.domain, uuid, operation: "create", context: context)
        try requireInactive(uuid, context: context)
        let kept = try keptName(of: uuid) != nil
        // Its first record claims the name; from then on the store can serve others.
        var start = try DomainStart(self, definition, persistent: kept, paused: paused, context: context)
        _ = consume names
        let record = try start.carryOut(beforeRunning)
        _ = consume lock
        return record
    }

    /// Under the lock: an active domain refuses, a half-made one of a dead manager is undone first.
    private func requireInactive(_ uuid: UUID, context: OperationContext) throws(LodgeError) {
        let observation = try observe(uuid)
        switch observation.verdict {
        case .active: throw LodgeError(.invalidState, "it is already active", object: reference(uuid))
        case .unknown(let reason):
            throw LodgeError(
                .invalidState, "whether it runs cannot be told, so it is not started a second time: \(reason)",
                object: reference(uuid),
                hint: "end its QEMU if there is one, then remove \(store.runtimeDirectory(.domain, uuid))")
        case .inactive: try store.removeRuntime(.domain, uuid)
        case .undo(let reason): try undo(observation, uuid, reason: reason, context: context)
        }
    }

    /// The networks that a definition needs and that are not active.
    public func inactiveNetworks(of definition: DomainDefinition, context: OperationContext) throws(LodgeError)
        -> [String]
    {
        try interfaces.inactiveNetworks(of: try interfaceRequests(definition), context: context)
    }

    func interfaceRequests(_ definition: DomainDefinition) throws(LodgeError) -> [InterfaceRequest] {
        let uuid = try identity(of: definition)
        return definition.devices.interfaces.enumerated().map { index, interface in
            InterfaceRequest(domain: uuid, domainName: definition.name, index: index, definition: interface)
        }
    }
}
