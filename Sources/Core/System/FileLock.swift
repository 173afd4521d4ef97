import CLinux
import Glibc
import SystemPackage

/// An exclusive lock, held by an open file description: it ends when this value does, and with the process.
///
/// The file says who holds it, for the message to whoever waits in vain. It is never judged by its content.
public struct FileLock: ~Copyable, Sendable {
    /// Who holds a lock, as written into its file by the holder.
    public struct Owner: Sendable, Hashable {
        public var pid: Int32
        /// What it does with it: `start`, `net-destroy`.
        public var operation: String
        /// Seconds since 1970.
        public var since: Int64
    }

    private let file: OwnedFD
    public let path: String

    /// For the duration of a borrow.
    public var descriptor: CInt { file.raw }

    deinit {
        // Unlocked in so many words, since a fork in the host program may hold the description a moment longer.
        _ = Glibc.ftruncate(file.raw, 0)
        _ = lodge_ofd_unlock(file.raw)
    }

    /// Takes the lock, making its file when there is none, waiting until the context's deadline.
    ///
    /// - Throws: `.busy` with the holder's name when the deadline passes first; `.cancelled`.
    public static func acquire(
        _ path: String, operation: String, what: String, context: OperationContext
    ) throws(LodgeError) -> FileLock {
        var delay = Duration.microseconds(500)
        while true {
            if let lock = try tryAcquire(path, operation: operation) { return lock }
            guard try context.pauses(delay, "waiting for the lock of \(what)") else {
                throw LodgeError(.busy, "cannot lock \(what): \(holder(of: path))", hint: "try again when it is done")
            }
            delay = min(delay * 2, .milliseconds(10))
        }
    }

    /// Takes the lock if it is free, else nil.
    public static func tryAcquire(_ path: String, operation: String) throws(LodgeError) -> FileLock? {
        while true {
            let file = OwnedFD(
                taking: try syscall("open", "cannot open the lock '\(path)'") {
                    unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
                })
            switch attempt({ lodge_ofd_lock(file.raw, 1) }) {
            case .success: break
            case .failure(.resourceTemporarilyUnavailable), .failure(.permissionDenied): return nil
            case .failure(let errno):
                throw LodgeError(.init(errno), "cannot lock '\(path)'", cause: .errno(errno, call: "fcntl"))
            }
            // It may have been removed between our open and our lock; then this is a lock on nothing.
            let current = try FileStatus(path: path, followLinks: false)
            guard try FileStatus(descriptor: file.raw).identity == current?.identity else { continue }
            let lock = FileLock(file: file, path: path)
            lock.sign(operation)
            return lock
        }
    }

    /// Removes the file while it is locked: only when the object that it stands for is gone.
    public consuming func removeFile() throws(LodgeError) { try AtomicFile.remove(path) }

    /// Who holds the lock, nil when nobody does or it cannot be told.
    public static func owner(_ path: String) -> Owner? {
        guard case .success(let number) = attempt({ unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) })
        else { return nil }
        let file = OwnedFD(taking: number)
        guard case .success(1) = attempt({ lodge_ofd_held(file.raw) }) else { return nil }
        guard let bytes = try? AtomicFile.read(path, limit: 512) else { return nil }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard fields.count == 4, let pid = Int32(fields[0]), let since = Int64(fields[1]) else { return nil }
        return Owner(pid: pid, operation: String(fields[2]), since: since)
    }

    /// Whether somebody holds the lock, without trying to take it. True too when it cannot be told.
    public static func isHeld(_ path: String) -> Bool {
        switch attempt({ unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }) {
        case .failure(let errno): return errno != .noSuchFileOrDirectory
        case .success(let number):
            let file = OwnedFD(taking: number)
            if case .success(0) = attempt({ lodge_ofd_held(file.raw) }) { return false }
            return true
        }
    }

    private static func holder(of path: String) -> String {
        guard let owner = owner(path) else { return "somebody else holds it" }
        return "held by process \(owner.pid) for '\(owner.operation)' since \(Timestamp.text(owner.since))"
    }

    /// Best effort: a full disk must not keep anybody from holding a lock.
    private borrowing func sign(_ operation: String) {
        let name = String(operation.filter { !$0.isNewline }.prefix(64))
        let bytes = Array("\(getpid())\n\(Timestamp.now())\n\(name)\n".utf8)
        _ = Glibc.ftruncate(file.raw, 0)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.pwrite(file.raw, $0.baseAddress, $0.count, 0) }
    }
}
