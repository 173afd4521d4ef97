public import FoundationEssentials

/// Locks and what they guard. Downwards only: store, object, host resource.
extension Store {
    /// Locks an object, waiting until the context's deadline; the error then names who holds it.
    ///
    /// - Parameter operation: what for, in the command's words (`start`), shown to whoever waits.
    public func lock(
        _ kind: ObjectKind, _ uuid: UUID, operation: String, context: OperationContext
    ) throws(LodgeError) -> FileLock {
        try FileLock.acquire(
            lockPath(kind, uuid), operation: operation, what: "the \(kind.rawValue) \(uuid.lowercased)",
            context: context)
    }

    /// Locks an object if nobody holds it, else nil.
    public func tryLock(_ kind: ObjectKind, _ uuid: UUID, operation: String) throws(LodgeError) -> FileLock? {
        try FileLock.tryAcquire(lockPath(kind, uuid), operation: operation)
    }

    /// Whether somebody holds an object's lock, without taking it.
    public func isLocked(_ kind: ObjectKind, _ uuid: UUID) -> Bool { FileLock.isHeld(lockPath(kind, uuid)) }

    /// Ends an object's lock together with its file: for an object that no longer exists in any form.
    public func unlockForEver(_ lock: consuming FileLock) throws(LodgeError) { try lock.removeFile() }

    /// Locks the whole store: for names and UUIDs that must not be given twice.
    public func lockStore(operation: String, context: OperationContext) throws(LodgeError) -> FileLock {
        try FileLock.acquire(
            "\(locksDirectory)/store", operation: operation, what: "the root directory", context: context)
    }

    /// Locks a resource of the host, such as `disk:8:1234` or `if:br0`. Several are taken in sorted order.
    public func lockResource(
        _ name: String, operation: String, context: OperationContext
    ) throws(LodgeError) -> FileLock {
        var file = "resource-"
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                file.unicodeScalars.append(Unicode.Scalar(byte))
            default: file += "%" + String(byte, radix: 16)
            }
        }
        guard file.utf8.count <= 250 else {
            throw LodgeError(.invalidArgument, "'\(name)' is too long for the name of a resource")
        }
        return try FileLock.acquire(
            "\(locksDirectory)/\(file)", operation: operation, what: "'\(name)'", context: context)
    }

    /// The next number for a domain: 1, 2, 3… in each boot.
    ///
    /// It has a lock of its own below all others, so it can be asked for with an object locked.
    public func nextDomainID(context: OperationContext) throws(LodgeError) -> Int {
        let lock = try FileLock.acquire(
            "\(locksDirectory)/next-id", operation: "number a domain", what: "the counter of domains",
            context: context)
        let path = "\(root.run)/next-id"
        let last = try lastDomainID(path)
        let (next, overflow) = last.addingReportingOverflow(1)
        guard !overflow else { throw LodgeError(.corrupt, "'\(path)' has counted too far", hint: "remove it") }
        try AtomicFile.write(Array("\(bootID)\n\(next)\n".utf8), to: path, durable: false)
        _ = consume lock
        return next
    }

    private func lastDomainID(_ path: String) throws(LodgeError) -> Int {
        let lines = (try readShort(path) ?? "").split(separator: "\n")
        if lines.count == 2, lines[0] == bootID, let last = Int(lines[1]), last >= 0 { return last }
        // Lost, damaged, or of another boot: go on behind what runs.
        var last = 0
        for uuid in try runtimeUUIDs(.domain) {
            if case .record(let record) = try readRecord(.domain, uuid) { last = max(last, record.id ?? 0) }
        }
        return last
    }

    /// Whether this is the first opening of this root since the boot. True for exactly one caller.
    public func firstOpenSinceBoot(context: OperationContext) throws(LodgeError) -> Bool {
        let path = "\(root.run)/boot"
        if try isMarked(path) { return false }
        let lock = try lockStore(operation: "open", context: context)
        if try isMarked(path) { return false }
        try AtomicFile.write(Array("\(bootID)\n".utf8), to: path, durable: false)
        _ = consume lock
        return true
    }

    private func isMarked(_ path: String) throws(LodgeError) -> Bool {
        try readShort(path) == bootID + "\n"
    }

    /// A small file of ours; one that is too large or no file at all counts as absent.
    private func readShort(_ path: String) throws(LodgeError) -> String? {
        do throws(LodgeError) {
            return try AtomicFile.read(path, limit: 256).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    /// Where an object's lock is, to ask who holds it.
    public func lockPath(_ kind: ObjectKind, _ uuid: UUID) -> String {
        "\(locksDirectory)/\(kind.rawValue)-\(uuid.lowercased)"
    }
}
