import CLinux
import Glibc
import SystemPackage

/// A network namespace, held by a descriptor: it lives at least as long as this object.
public final class NetworkNamespace: Sendable {
    private let file: OwnedFD
    /// Its number, unique since boot and never used twice (SO_NETNS_COOKIE, socket(7)).
    public let cookie: UInt64

    private init(_ file: consuming OwnedFD, cookie: UInt64) {
        self.file = file
        self.cookie = cookie
    }

    /// The nsfs descriptor, for the life of this object.
    public var descriptor: CInt { file.raw }

    /// That of the calling thread.
    public static func current() throws(LodgeError) -> NetworkNamespace {
        NetworkNamespace(try openFile("/proc/thread-self/ns/net"), cookie: try currentCookie())
    }

    /// The one bound to a path, such as `/run/netns/NAME` or `/proc/PID/ns/net`.
    ///
    /// Needs CAP_SYS_ADMIN in the namespace, unless the calling thread is in it already.
    public static func open(path: String) throws(LodgeError) -> NetworkNamespace {
        let file = try openFile(path)
        let descriptor = file.raw
        let cookie = try OwnThread.run { () throws(LodgeError) -> UInt64 in
            try enter(descriptor, "cannot enter the network namespace '\(path)'")
            return try currentCookie()
        }
        return NetworkNamespace(file, cookie: cookie)
    }

    /// A new one with no name, its loopback link up. It is gone when nothing holds it any more.
    public static func create() throws(LodgeError) -> NetworkNamespace {
        try OwnThread.run { () throws(LodgeError) -> NetworkNamespace in
            try syscall("unshare", "cannot make a network namespace") { lodge_unshare_network() }
            try syscall("ioctl", "cannot bring up the loopback link") { lodge_loopback_up() }
            return try current()
        }
    }

    /// Moves the calling thread into it. Only for threads of our own: the caller's stay where they are.
    ///
    /// - Throws: `.permission` without CAP_SYS_ADMIN, unless the thread is in it already.
    public func enter() throws(LodgeError) {
        try Self.enter(descriptor, "cannot enter the network namespace")
    }

    private static func enter(_ descriptor: CInt, _ message: String) throws(LodgeError) {
        let here = try openFile("/proc/thread-self/ns/net")
        let (target, own) = (try FileStatus(descriptor: descriptor), try FileStatus(descriptor: here.raw))
        if target.identity == own.identity { return }
        try syscall("setns", message) { lodge_enter_network(descriptor) }
    }

    private static func openFile(_ path: String) throws(LodgeError) -> OwnedFD {
        OwnedFD(
            taking: try syscall("open", "cannot open the network namespace '\(path)'") {
                unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
            })
    }

    private static func currentCookie() throws(LodgeError) -> UInt64 {
        let socket = OwnedFD(
            taking: try syscall("socket", "cannot make a socket") {
                Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
            })
        var cookie: UInt64 = 0
        try syscall("getsockopt", "cannot tell which network namespace this is") {
            unsafe lodge_network_cookie(socket.raw, &cookie)
        }
        return cookie
    }
}
