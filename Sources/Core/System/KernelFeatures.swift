import CLinux
import Glibc
import SystemPackage

/// Which of the kernel's newer features are there and may be used. A value: whoever holds it can switch some off.
///
/// Nothing needs one of them; each has a path without it, and the tests run with all of them off.
public struct KernelFeatures: Sendable, Hashable {
    /// clone3(2), Linux 5.3, forbidden by some container runtimes. Else: clone(2).
    public var clone3: Bool
    /// close_range(2), Linux 5.9. Else: the numbers in `/proc/self/fd`, one by one.
    public var closeRange: Bool
    /// `SO_PEERPIDFD`, Linux 6.5: who made a connection, as a process descriptor. Else: its pid.
    public var socketPeerPidfd: Bool
    /// Process descriptors have inode numbers of their own, Linux 6.9. Else: pid with start time.
    public var pidfdInode: Bool
    /// `PIDFD_INFO_EXIT`, Linux 6.15: the exit status of a process that somebody else reaped. Else: unknown.
    public var pidfdInfoExit: Bool

    public init(clone3: Bool, closeRange: Bool, socketPeerPidfd: Bool, pidfdInode: Bool, pidfdInfoExit: Bool) {
        self.clone3 = clone3
        self.closeRange = closeRange
        self.socketPeerPidfd = socketPeerPidfd
        self.pidfdInode = pidfdInode
        self.pidfdInfoExit = pidfdInfoExit
    }

    /// What Debian 12's Linux 6.1 has: nothing newer.
    public static let debian12 = KernelFeatures(
        clone3: true, closeRange: true, socketPeerPidfd: false, pidfdInode: false, pidfdInfoExit: false)

    /// None at all: an old kernel, or a container that forbids what its filter does not know.
    public static let none = KernelFeatures(
        clone3: false, closeRange: false, socketPeerPidfd: false, pidfdInode: false, pidfdInfoExit: false)

    /// Asks the running kernel, by trying each: a dozen calls that change nothing.
    public static func detected() -> KernelFeatures {
        var features = KernelFeatures.none
        features.clone3 = lodge_has_clone3() == 1
        features.closeRange = lodge_has_close_range() == 1
        features.socketPeerPidfd = lodge_has_peer_pidfd() == 1
        guard case .success(let number) = attempt({ lodge_pidfd_open(getpid()) }) else { return features }
        let pidfd = OwnedFD(taking: number)
        features.pidfdInode = lodge_pidfd_has_inode(pidfd.raw) == 1
        // A living process has no exit status to show, so for this one the version has to say it.
        features.pidfdInfoExit = lodge_has_pidfd_info(pidfd.raw) == 1 && isRelease(atLeast: (6, 15))
        return features
    }

    /// Those that are in both.
    public func intersection(_ other: KernelFeatures) -> KernelFeatures {
        KernelFeatures(
            clone3: clone3 && other.clone3, closeRange: closeRange && other.closeRange,
            socketPeerPidfd: socketPeerPidfd && other.socketPeerPidfd, pidfdInode: pidfdInode && other.pidfdInode,
            pidfdInfoExit: pidfdInfoExit && other.pidfdInfoExit)
    }

    private static func isRelease(atLeast wanted: (Int, Int)) -> Bool {
        guard let bytes = try? AtomicFile.read("/proc/sys/kernel/osrelease", limit: 256) else { return false }
        let numbers = String(decoding: bytes, as: UTF8.self).split(separator: ".").prefix(2).map { part in
            Int(part.prefix { $0.isASCII && $0.isNumber }) ?? 0
        }
        guard let major = numbers.first, let minor = numbers.dropFirst().first else { return false }
        return (major, minor) >= wanted
    }
}
