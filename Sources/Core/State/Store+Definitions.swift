import Glibc
import SystemPackage

/// Definitions and autostart marks: what survives a reboot.
extension Store {
    /// A definition larger than this is not read: the bound of what XML is accepted.
    public static let definitionLimit = 16 << 20

    private static let suffix = ".xml"

    /// The names of all definitions, sorted.
    public func definitionNames(_ kind: ObjectKind) throws(LodgeError) -> [String] {
        let files = try Directory.names(of: definitionDirectory(kind)) ?? []
        return files.compactMap { file in
            guard file.hasSuffix(Self.suffix) else { return nil }
            let name = String(file.dropLast(Self.suffix.count))
            return ObjectName.fault(in: name) == nil ? name : nil
        }.sorted()
    }

    /// The path of a definition, for messages that point into it.
    public func definitionPath(_ kind: ObjectKind, _ name: String) -> String {
        "\(definitionDirectory(kind))/\(name)\(Self.suffix)"
    }

    /// The bytes of a definition, nil when there is none of that name.
    public func readDefinition(_ kind: ObjectKind, _ name: String) throws(LodgeError) -> [UInt8]? {
        try ObjectName.check(name, of: kind)
        return try AtomicFile.read(definitionPath(kind, name), limit: Self.definitionLimit)
    }

    /// Writes a definition so that it survives a loss of power. Needs the object's lock.
    public func writeDefinition(_ kind: ObjectKind, _ name: String, _ text: String) throws(LodgeError) {
        try ObjectName.check(name, of: kind)
        try AtomicFile.write(Array(text.utf8), to: definitionPath(kind, name), durable: true)
    }

    /// Removes a definition and its autostart mark. Whether there was one. Needs the object's lock.
    @discardableResult
    public func removeDefinition(_ kind: ObjectKind, _ name: String) throws(LodgeError) -> Bool {
        // The mark first: a mark without a definition would start a later one of that name.
        try setAutostart(kind, name, false)
        return try AtomicFile.remove(definitionPath(kind, name), durable: true)
    }

    public func isAutostart(_ kind: ObjectKind, _ name: String) throws(LodgeError) -> Bool {
        try ObjectName.check(name, of: kind)
        return try FileStatus(path: mark(kind, name), followLinks: false) != nil
    }

    /// Marks a definition to be started by the first opening after a boot, or takes the mark away.
    public func setAutostart(_ kind: ObjectKind, _ name: String, _ on: Bool) throws(LodgeError) {
        guard try isAutostart(kind, name) != on else { return }
        if on {
            try AtomicFile.write([], to: mark(kind, name), durable: true)
        } else {
            try AtomicFile.remove(mark(kind, name), durable: true)
        }
    }

    /// The names of all that are marked, sorted.
    public func autostartNames(_ kind: ObjectKind) throws(LodgeError) -> [String] {
        let names = try Directory.names(of: autostartDirectory(kind)) ?? []
        return names.filter { ObjectName.fault(in: $0) == nil }.sorted()
    }

    private func mark(_ kind: ObjectKind, _ name: String) -> String { "\(autostartDirectory(kind))/\(name)" }
}
