public import FoundationEssentials
import Glibc
import SystemPackage

/// What is of this boot: records, live definitions, sockets.
extension Store {
    private static let recordName = "status.json"
    private static let quarantineName = "quarantined.json"
    private static let liveName = "live.xml"

    /// The objects that have a run directory, in no order.
    public func runtimeUUIDs(_ kind: ObjectKind) throws(LodgeError) -> [UUID] {
        (try Directory.names(of: runtimeDirectory(kind)) ?? []).compactMap { name in
            guard let uuid = UUID(uuidString: name), uuid.lowercased == name else { return nil }
            return uuid
        }
    }

    /// Reads and judges an object's record.
    ///
    /// - Throws: only when the file could not be read at all (no descriptors left, an I/O error): that says nothing
    ///   about the object, and is no reason to quarantine it.
    public func readRecord(_ kind: ObjectKind, _ uuid: UUID) throws(LodgeError) -> RecordReading {
        let directory = runtimeDirectory(kind, uuid)
        let bytes: [UInt8]?
        do throws(LodgeError) {
            bytes = try AtomicFile.read("\(directory)/\(Self.recordName)", limit: StatusRecord.limit)
        } catch {
            guard error.code == .corrupt else { throw error }
            return .unreadable(error.message)
        }
        guard let bytes else {
            guard try FileStatus(path: "\(directory)/\(Self.quarantineName)", followLinks: false) != nil else {
                return .absent
            }
            return .unreadable("it could not be read and is kept as \(directory)/\(Self.quarantineName)")
        }
        let reading = RecordReading(bytes, boot: bootID)
        if let record = reading.record, record.uuid != uuid || record.kind != kind {
            return .unreadable("it is that of \(record.reference) \(record.uuid.lowercased)")
        }
        return reading
    }

    /// Writes a record, one generation on, making the object's run directory with the first. Needs the object's lock.
    public func writeRecord(_ record: inout StatusRecord) throws(LodgeError) {
        var next = record
        next.generation &+= 1
        let bytes = try next.json()
        let directory = runtimeDirectory(record.kind, record.uuid)
        try Directory.make(directory)
        try AtomicFile.write(bytes, to: "\(directory)/\(Self.recordName)", durable: false)
        record = next
    }

    /// Removes the object's run directory with all in it, the record as the last file. Needs the object's lock.
    public func removeRuntime(_ kind: ObjectKind, _ uuid: UUID) throws(LodgeError) {
        try Directory.remove(runtimeDirectory(kind, uuid), last: Self.recordName)
    }

    /// Puts a record that cannot be read aside, in the object's run directory. Needs the object's lock.
    ///
    /// The object stays *unknown* over every load: only ``removeRuntime(_:_:)``, when somebody who knows says so, or
    /// a new record ends that. A record from a newer version is not for quarantine: that version still needs it.
    /// Returns where it is now.
    @discardableResult
    public func quarantine(_ kind: ObjectKind, _ uuid: UUID) throws(LodgeError) -> String {
        let directory = runtimeDirectory(kind, uuid)
        let (from, to) = ("\(directory)/\(Self.recordName)", "\(directory)/\(Self.quarantineName)")
        switch attempt({ unsafe Glibc.rename(from, to) }) {
        case .success, .failure(.noSuchFileOrDirectory): return to
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot put '\(from)' aside", cause: .errno(errno, call: "rename"))
        }
    }

    /// Removes what writers that were killed left in an object's run directory.
    public func removeLeftovers(_ kind: ObjectKind, _ uuid: UUID) throws(LodgeError) {
        try AtomicFile.removeLeftovers(in: runtimeDirectory(kind, uuid))
    }

    /// The same for the directories that objects share: once a load.
    public func removeLeftovers() throws(LodgeError) {
        for kind in ObjectKind.allCases {
            try AtomicFile.removeLeftovers(in: definitionDirectory(kind))
            try AtomicFile.removeLeftovers(in: autostartDirectory(kind))
        }
        try AtomicFile.removeLeftovers(in: root.run)
        try AtomicFile.removeLeftovers(in: hostDirectory)
    }

    /// The definition that an active object runs with, nil when there is none.
    public func readLiveXML(_ kind: ObjectKind, _ uuid: UUID) throws(LodgeError) -> [UInt8]? {
        try AtomicFile.read(liveXMLPath(kind, uuid), limit: Self.definitionLimit)
    }

    /// Needs the object's lock and its record.
    public func writeLiveXML(_ kind: ObjectKind, _ uuid: UUID, _ text: String) throws(LodgeError) {
        try AtomicFile.write(Array(text.utf8), to: liveXMLPath(kind, uuid), durable: false)
    }

    public func liveXMLPath(_ kind: ObjectKind, _ uuid: UUID) -> String {
        "\(runtimeDirectory(kind, uuid))/\(Self.liveName)"
    }
}
