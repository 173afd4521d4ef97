import CLinux
import Glibc
import SystemPackage

/// A file whose lock lasts exactly as long as a process: the child takes it before it executes its program, which
/// keeps the descriptor without knowing of it.
///
/// The lock is looked at with `F_OFD_GETLK`, never tried and never given up by anybody (fcntl(2)). What the file says
/// of the holder was written by the child, but whoever the program runs as may be able to write to it, so it is
/// believed only as far as it can be checked.
public enum Lease {
    public enum State: Sendable, Hashable {
        case missing, free, held
    }

    public static func state(at path: String) throws(LodgeError) -> State {
        guard let file = try open(path) else { return .missing }
        return try isHeld(file.raw, path) ? .held : .free
    }

    /// Who took the lease, as the child wrote it. Nil when there is no file, or nothing whole in it.
    public static func holder(at path: String) throws(LodgeError) -> ProcessIdentity? {
        do throws(LodgeError) {
            return try AtomicFile.read(path, limit: 4096).flatMap { ProcessIdentity(stat: $0) }
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    /// Ends whoever holds the lease, and makes it useless to a child that has not taken it yet. Idempotent.
    ///
    /// A process is signalled only through a descriptor that was opened before its identity was checked: the recorded
    /// one by pid and start time; else the one that the file names, which must also have the file open.
    ///
    /// - Parameters:
    ///   - recorded: whom the object's record names.
    ///   - grace: how long it has to end by SIGTERM before SIGKILL; zero: SIGKILL at once.
    /// - Returns: whether it was alive.
    /// - Throws: `.timeout` when it does not die in time; `.invalidState` when the lease is held and nobody can say
    ///   by whom. A lease that is still held when its process is gone leaked to some other; that is no error.
    @discardableResult
    public static func endHolder(
        at path: String, recorded: ProcessIdentity? = nil, grace: Duration = .zero, features: KernelFeatures,
        context: OperationContext
    ) throws(LodgeError) -> Bool {
        guard let file = try open(path) else {
            guard let recorded else { return false }
            return try end(recorded, grace, features, context)
        }
        // The child looks for this after it has locked: either we see its lock below, or it sees this.
        let descriptor = file.raw
        try syscall("fchmod", "cannot withdraw the lease '\(path)'") { Glibc.fchmod(descriptor, 0o400) }
        if let recorded, try end(recorded, grace, features, context) { return true }
        return try endUnrecorded(file.raw, path, grace: grace, features: features, context: context)
    }

    /// Ends a process by its identity. False when it has ended already.
    private static func end(
        _ identity: ProcessIdentity, _ grace: Duration, _ features: KernelFeatures, _ context: OperationContext
    ) throws(LodgeError) -> Bool {
        switch try PidFD.find(identity, features: features) {
        case .gone: return false
        case .replaced: return false
        case .cannotTell(let why):
            throw LodgeError(.invalidState, "cannot tell whether process \(identity.pid) is to be ended: \(why)")
        case .alive(let pidfd):
            try end(pidfd, identity.pid, grace, context)
            _ = pidfd.exitStatus(features: features)
            return true
        }
    }

    private static func end(
        _ pidfd: borrowing PidFD, _ pid: Int32, _ grace: Duration, _ context: OperationContext
    ) throws(LodgeError) {
        let what = "waiting for process \(pid) to end"
        if grace > .zero, try pidfd.signal(SIGTERM) {
            do throws(LodgeError) { return try pidfd.wait(until: .after(grace), what, context: context) } catch {
                if error.code != .timeout { throw error }
            }
        }
        try pidfd.signal(SIGKILL)
        try pidfd.wait(what, context: context)
    }

    private static func endUnrecorded(
        _ file: CInt, _ path: String, grace: Duration, features: KernelFeatures, context: OperationContext
    ) throws(LodgeError) -> Bool {
        var ended = false
        while try isHeld(file, path) {
            // A child between its lock and its writing needs a moment; so does one that leaves.
            guard let identity = try holder(at: path) else {
                try context.pause(.milliseconds(2), "waiting for the holder of '\(path)' to say who it is")
                continue
            }
            switch try PidFD.find(identity, features: features) {
            case .gone: return ended
            case .replaced: return ended
            case .cannotTell(let why):
                throw LodgeError(.invalidState, "cannot tell who holds the lease '\(path)': \(why)")
            case .alive(let pidfd):
                guard try hasOpen(file, pid: identity.pid) else {
                    // It may have ended meanwhile, and closed everything.
                    if pidfd.hasExited { continue }
                    throw LodgeError(
                        .invalidState, "the lease '\(path)' names process \(identity.pid), which does not hold it",
                        hint: "find its holder with 'lslocks' and end it")
                }
                try end(pidfd, identity.pid, grace, context)
                _ = pidfd.exitStatus(features: features)
                ended = true
            }
        }
        return ended
    }

    /// Whether a process has a file open.
    private static func hasOpen(_ file: CInt, pid: Int32) throws(LodgeError) -> Bool {
        let wanted = try FileStatus(descriptor: file).identity
        let directory = "/proc/\(pid)/fd"
        for name in try Directory.names(of: directory) ?? [] {
            if let status = try? FileStatus(path: "\(directory)/\(name)"), status.identity == wanted { return true }
        }
        return false
    }

    private static func open(_ path: String) throws(LodgeError) -> OwnedFD? {
        switch attempt({ unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }) {
        case .success(let number): return OwnedFD(taking: number)
        case .failure(.noSuchFileOrDirectory): return nil
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot open the lease '\(path)'", cause: .errno(errno, call: "open"))
        }
    }

    private static func isHeld(_ file: CInt, _ path: String) throws(LodgeError) -> Bool {
        try syscall("fcntl", "cannot examine the lease '\(path)'") { lodge_ofd_held(file) } == 1
    }

    /// A fresh lease that a child is about to take.
    struct Prepared: ~Copyable {
        private let parent: OwnedFD
        let name: String
        /// The number of the file: another one of this name is not this lease.
        let inode: UInt64
        var directory: CInt { parent.raw }

        /// - Throws: `.busy` when a process holds the lease that is there.
        init(path: String) throws(LodgeError) {
            if try Lease.state(at: path) == .held {
                throw LodgeError(.busy, "a process holds the lease '\(path)'")
            }
            let (directory, name) = AtomicFile.split(path)
            let parent = OwnedFD(
                taking: try syscall("open", "cannot open '\(directory)'") {
                    unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                })
            let descriptor = parent.raw
            switch attempt({ unsafe unlinkat(descriptor, name, 0) }) {
            case .success, .failure(.noSuchFileOrDirectory): break
            case .failure(let errno):
                throw LodgeError(
                    .init(errno), "cannot replace the lease '\(path)'", cause: .errno(errno, call: "unlinkat"))
            }
            // A new file each time, so a withdrawn one stays withdrawn. The child opens it, it does not make it.
            let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
            let made = OwnedFD(
                taking: try syscall("openat", "cannot make the lease '\(path)'") {
                    unsafe openat(descriptor, name, flags, 0o600)
                })
            let number = made.raw
            try syscall("fchmod", "cannot make the lease '\(path)'") { Glibc.fchmod(number, 0o600) }
            inode = try FileStatus(descriptor: number).identity.inode
            self.parent = parent
            self.name = name
        }

        borrowing func remove() {
            let (descriptor, name) = (parent.raw, name)
            _ = attempt { unsafe unlinkat(descriptor, name, 0) }
        }
    }
}
