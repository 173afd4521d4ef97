public import FoundationEssentials
import Glibc

/// The root directory on disk: the one truth about what is defined and what is active.
///
/// Any number of processes and of stores in one process may use the same root at once. Nothing is kept in memory.
/// All calls block; those that can wait for others take an ``OperationContext``.
///
/// Locks are taken downwards only: the store's, an object's, a host resource's.
public final class Store: Sendable {
    public let root: RootDirectory
    public let features: KernelFeatures
    /// The kernel's number of this boot (random(4), `boot_id`).
    public let bootID: String

    /// Makes what is missing of the root directory, each part 0700.
    ///
    /// - Throws: `.permission` when a part belongs to another user or others may write to it: whoever can write
    ///   there could have us start and end processes.
    public init(root: RootDirectory, features: KernelFeatures) throws(LodgeError) {
        self.root = root
        self.features = features
        guard let boot = try AtomicFile.read("/proc/sys/kernel/random/boot_id", limit: 256) else {
            throw LodgeError(.missingDependency, "the kernel does not say which boot this is", hint: "mount /proc")
        }
        let text = String(decoding: boot, as: UTF8.self)
        bootID = String(text.prefix { !$0.isNewline })
        let top = [root.etc, root.run, root.lib, root.log, root.cache]
        for directory in top { try Directory.make(directory) }
        for directory in top { try Self.checkOwner(directory) }
        for kind in ObjectKind.allCases {
            try Directory.make(definitionDirectory(kind))
            try Directory.make(autostartDirectory(kind))
            try Directory.make(runtimeDirectory(kind))
        }
        try Directory.make(locksDirectory)
        try Directory.make(hostDirectory)
    }

    private static func checkOwner(_ directory: String) throws(LodgeError) {
        guard let status = try FileStatus(path: directory), status.isDirectory else {
            throw LodgeError(.invalidState, "'\(directory)' is not a directory")
        }
        guard status.owner == geteuid() else {
            throw LodgeError(
                .permission, "'\(directory)' belongs to the user \(status.owner), not to \(geteuid())",
                hint: "run as that user, or name another root directory")
        }
        guard status.mode & 0o022 == 0 else {
            throw LodgeError(
                .permission, "others may write to '\(directory)'", hint: "chmod go-w '\(directory)'")
        }
    }

    // MARK: Where things are

    public func definitionDirectory(_ kind: ObjectKind) -> String { "\(root.etc)/\(kind.directory)" }
    public func autostartDirectory(_ kind: ObjectKind) -> String { "\(root.etc)/\(kind.directory)/autostart" }
    /// The directory of the run directories of a kind.
    public func runtimeDirectory(_ kind: ObjectKind) -> String { "\(root.run)/\(kind.directory)" }
    /// An object's run directory, which exists from the first record until ``removeRuntime(_:_:)``.
    public func runtimeDirectory(_ kind: ObjectKind, _ uuid: UUID) -> String {
        "\(root.run)/\(kind.directory)/\(uuid.lowercased)"
    }
    /// For settings of the whole host that are held while objects need them: the old values.
    public var hostDirectory: String { "\(root.run)/host" }
    /// The file in which guests claim disks and ports.
    public var claimsPath: String { "\(locksDirectory)/claims" }
    var locksDirectory: String { "\(root.run)/locks" }
}
