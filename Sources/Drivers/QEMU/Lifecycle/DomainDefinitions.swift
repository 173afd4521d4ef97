public import FoundationEssentials
public import LodgeCore

/// Definitions: keeping, forgetting, finding.
extension QEMUDriver {
    /// Keeps a definition. See ``Host/define(xml:file:)``.
    public func define(
        xml: [UInt8], file: String, context: OperationContext
    ) throws(LodgeError) -> (uuid: UUID, name: String) {
        let definition = try read(xml: xml, file: file, context: context)
        let uuid = try identity(of: definition)
        // Names are given under the store's lock, so that no two processes give one name to two UUIDs.
        let names = try store.lockStore(operation: "define", context: context)
        try checkFree(name: definition.name, uuid: uuid)
        let lock = try store.lock(.domain, uuid, operation: "define", context: context)
        let earlier = try keptName(of: uuid)
        try store.writeDefinition(.domain, definition.name, definition.xml())
        if let earlier, earlier != definition.name { try store.removeDefinition(.domain, earlier) }
        if case .record(var record) = try store.readRecord(.domain, uuid), !record.persistent {
            record.persistent = true
            try store.writeRecord(&record)
        }
        _ = consume lock
        _ = consume names
        return (uuid, definition.name)
    }

    /// Forgets a definition. See ``Domain/undefine(nvram:)``.
    public func undefine(_ uuid: UUID, nvram: Bool, context: OperationContext) throws(LodgeError) {
        let lock = try store.lock(.domain, uuid, operation: "undefine", context: context)
        guard let (name, definition) = try kept(uuid) else { throw notPersistent(uuid) }
        let active = try observe(uuid)
        if let path = definition.os.nvram?.path, try AtomicFile.exists(path) {
            guard nvram else {
                throw LodgeError(
                    .invalidState, "it has firmware variables in '\(path)'", object: ObjectReference(.domain, name),
                    hint: "undefine it with --nvram to remove them too")
            }
            try AtomicFile.remove(path)
        }
        if var record = active.record {
            record.persistent = false
            try store.writeRecord(&record)
        }
        try store.removeDefinition(.domain, name)
        // Nobody can find it any more, so nobody waits for its lock either.
        if active.record == nil { try store.unlockForEver(lock) }
    }

    public func setAutostart(_ uuid: UUID, _ on: Bool, context: OperationContext) throws(LodgeError) {
        let lock = try store.lock(.domain, uuid, operation: "autostart", context: context)
        guard let name = try keptName(of: uuid) else { throw notPersistent(uuid) }
        try store.setAutostart(.domain, name, on)
        _ = consume lock
    }

    /// The XML of a version of the definition.
    public func xml(_ uuid: UUID, _ version: DefinitionVersion) throws(LodgeError) -> String {
        switch version {
        case .live:
            guard let live = try liveXML(uuid) else {
                throw LodgeError(.invalidState, "it is not active", object: reference(uuid))
            }
            return live
        case .persistent: return try keptDefinition(of: uuid).xml()
        case .effective:
            if let live = try liveXML(uuid) { return live }
            return try keptDefinition(of: uuid).xml()
        }
    }

    /// The live definition of an active domain.
    private func liveXML(_ uuid: UUID) throws(LodgeError) -> String? {
        guard try observe(uuid).isActive, let bytes = try store.readLiveXML(.domain, uuid) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Reading

    /// Reads and completes a definition from outside: UUID and MAC addresses are given, defaults and addresses decided.
    public func read(xml: [UInt8], file: String, context: OperationContext) throws(LodgeError) -> DomainDefinition {
        let given = try DomainDefinition(xml: xml, file: file)
        // Defining a name again without a UUID means the guest that has the name.
        let known = given.uuid == nil ? try keptUUID(of: given.name) : nil
        let whole = given.completed(uuid: { known ?? UUID() }, mac: { .random() })
        return try resolve(whole, context: context)
    }

    public func identity(of definition: DomainDefinition) throws(LodgeError) -> UUID {
        guard let uuid = definition.uuid else {
            throw LodgeError(
                .invalidXML, "the definition has no UUID", object: ObjectReference(.domain, definition.name))
        }
        return uuid
    }

    /// The definition that is kept under a UUID.
    public func keptDefinition(of uuid: UUID) throws(LodgeError) -> DomainDefinition {
        guard let (_, definition) = try kept(uuid) else { throw notPersistent(uuid) }
        return definition
    }

    func keptDefinition(named name: String) throws(LodgeError) -> DomainDefinition? {
        guard let bytes = try store.readDefinition(.domain, name) else { return nil }
        let definition = try DomainDefinition(xml: bytes, file: store.definitionPath(.domain, name))
        if let uuid = definition.uuid { lastNames.set(name, of: uuid) }
        return definition
    }

    func keptUUID(of name: String) throws(LodgeError) -> UUID? { try keptDefinition(named: name)?.uuid }

    /// The name under which a UUID is kept. A definition that cannot be read keeps no UUID.
    func keptName(of uuid: UUID) throws(LodgeError) -> String? { try kept(uuid)?.name }

    private func kept(_ uuid: UUID) throws(LodgeError) -> (name: String, definition: DomainDefinition)? {
        func look(_ name: String) -> (String, DomainDefinition)? {
            guard let found = try? keptDefinition(named: name), found.uuid == uuid else { return nil }
            return (name, found)
        }
        // The record of an active one and our memory know the name, which spares reading all definitions.
        if let name = lastNames[uuid], let found = look(name) { return found }
        if let name = try store.readRecord(.domain, uuid).record?.name, let found = look(name) { return found }
        for name in try store.definitionNames(.domain) {
            if let found = look(name) { return found }
        }
        return nil
    }

    /// Refuses a name that another UUID has, kept or running.
    func checkFree(name: String, uuid: UUID) throws(LodgeError) {
        var holder = try keptUUID(of: name)
        if holder == nil { holder = try activeRecords().first { $0.name == name }?.uuid }
        guard let holder, holder != uuid else { return }
        throw LodgeError(
            .alreadyExists, "the name is taken by the domain with UUID \(holder.lowercased)",
            object: ObjectReference(.domain, name),
            hint: "undefine that one, or give the new one another name, or that UUID to change it")
    }

    func notPersistent(_ uuid: UUID) -> LodgeError {
        LodgeError(.notFound, "no definition is kept of it", object: reference(uuid))
    }

    /// The domain as errors name it: by its name where that is known.
    func reference(_ uuid: UUID) -> ObjectReference {
        let name = try? store.readRecord(.domain, uuid).record?.name
        return ObjectReference(.domain, name ?? (try? keptName(of: uuid)) ?? uuid.lowercased)
    }
}
