import CLinux
import Glibc
import SystemPackage

/// A process descriptor: one process and no other, however often its pid is used again.
public struct PidFD: ~Copyable, Sendable {
    private let file: OwnedFD

    /// For the duration of a borrow: readable when the process has ended.
    public var descriptor: CInt { file.raw }

    public init(taking file: consuming OwnedFD) { self.file = file }

    /// Opens the process that has the pid now. Nil when there is none.
    ///
    /// Who it is has to be checked afterwards, with the descriptor open: see ``find(_:features:)``.
    public static func open(pid: Int32) throws(LodgeError) -> PidFD? {
        switch attempt({ lodge_pidfd_open(pid) }) {
        case .success(let number): return PidFD(taking: OwnedFD(taking: number))
        // EINVAL and ENOENT: the number is that of a thread now.
        case .failure(.noSuchProcess), .failure(.invalidArgument), .failure(.noSuchFileOrDirectory): return nil
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot open the process \(pid)", cause: .errno(errno, call: "pidfd_open"))
        }
    }

    /// Sends a signal. False when the process has ended and was reaped.
    @discardableResult
    public borrowing func signal(_ signal: CInt) throws(LodgeError) -> Bool {
        let descriptor = file.raw
        switch attempt({ lodge_pidfd_signal(descriptor, signal) }) {
        case .success: return true
        case .failure(.noSuchProcess): return false
        case .failure(let errno):
            throw LodgeError(
                .init(errno), "cannot send the signal \(signal) to a process",
                cause: .errno(errno, call: "pidfd_send_signal"))
        }
    }

    /// Whether it has ended. A zombie has.
    public var hasExited: Bool {
        var polled = pollfd(fd: file.raw, events: Int16(POLLIN), revents: 0)
        if case .success(1) = attempt({ unsafe Glibc.poll(&polled, 1, 0) }) { return true }
        return false
    }

    /// Waits until it has ended. Who reaps it does not matter.
    public borrowing func wait(
        until limit: Deadline? = nil, _ what: @autoclosure () -> String, context: OperationContext
    ) throws(LodgeError) {
        try context.wait(for: file.raw, events: Int16(POLLIN), until: limit, what())
    }

    /// How it ended, to be asked when it has; reaps it when it is a child of ours.
    ///
    /// The host program may have reaped it already: then the kernel may still know (Linux 6.15), else nobody does.
    public borrowing func exitStatus(features: KernelFeatures) -> ExitStatus {
        let descriptor = file.raw
        var status = lodge_exit()
        if case .success(1) = attempt({ unsafe lodge_pidfd_reap(descriptor, &status) }) { return ExitStatus(status) }
        if features.pidfdInfoExit, unsafe lodge_pidfd_exit_info(descriptor, &status) == 1 { return ExitStatus(status) }
        return .unknown
    }

    /// Number of the process on pidfs, where the kernel has that: of no other process since boot.
    func inode(features: KernelFeatures) throws(LodgeError) -> UInt64? {
        features.pidfdInode ? try FileStatus(descriptor: file.raw).identity.inode : nil
    }
}

/// Whether a recorded process still is.
public enum ProcessPresence: Sendable, Hashable {
    case alive
    /// It has ended. A zombie has.
    case gone
    /// It has ended, and another process has its pid.
    case replaced
    /// `/proc` or the pid namespace does not let us see.
    case cannotTell
}

extension PidFD {
    /// A recorded process as it was found.
    public enum Found: ~Copyable, Sendable {
        case alive(PidFD)
        case gone
        case replaced
        case cannotTell(String)
    }

    /// Finds a recorded process. The descriptor is opened before its identity is checked, so a signal through it
    /// cannot hit another.
    public static func find(_ identity: ProcessIdentity, features: KernelFeatures) throws(LodgeError) -> Found {
        if let namespace = identity.namespace {
            guard let own = ProcessIdentity.currentNamespace() else {
                return .cannotTell("/proc does not say which pid namespace this is")
            }
            guard own == namespace else { return .cannotTell("it was started in another pid namespace") }
        }
        guard let pidfd = try open(pid: identity.pid) else { return .gone }
        if let recorded = identity.inode, let now = try pidfd.inode(features: features) {
            if recorded != now { return .replaced }
            if pidfd.hasExited { return .gone }
            return .alive(pidfd)
        }
        let now: ProcessIdentity?
        do throws(LodgeError) { now = try ProcessIdentity.read(pid: identity.pid) } catch {
            return .cannotTell("/proc does not show process \(identity.pid): \(error)")
        }
        // Asked last: if it lives now, the pid was its own all the time since it was opened.
        let hasExited = pidfd.hasExited
        guard let now else {
            if hasExited { return .gone }
            return .cannotTell("/proc does not show process \(identity.pid)")
        }
        if now.startTime != identity.startTime { return .replaced }
        if hasExited { return .gone }
        return .alive(pidfd)
    }
}

extension ProcessIdentity {
    /// Whether the process still is. Never throws: what cannot be found out is ``ProcessPresence/cannotTell``.
    public func presence(features: KernelFeatures) -> ProcessPresence {
        do throws(LodgeError) {
            switch try PidFD.find(self, features: features) {
            case .alive: return .alive
            case .gone: return .gone
            case .replaced: return .replaced
            case .cannotTell: return .cannotTell
            }
        } catch { return .cannotTell }
    }
}
