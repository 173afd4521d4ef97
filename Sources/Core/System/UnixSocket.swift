import CLinux
import Glibc
import SystemPackage

/// Stream sockets in the file system, at paths of any length: the name is reached through a descriptor of its
/// directory, since an address has room for 107 bytes only (unix(7)).
public enum UnixSocket {
    /// Makes a non-blocking listening socket at a path, replacing a socket that is there, for the own user alone.
    ///
    /// - Parameter backlog: connections that may wait to be accepted.
    public static func listen(_ path: String, backlog: CInt = 16) throws(LodgeError) -> OwnedFD {
        let place = try Place(path)
        let socket = OwnedFD(taking: try syscall("socket", "cannot make a socket") { lodge_unix_socket() })
        let number = socket.raw
        if let status = try FileStatus(path: path, followLinks: false) {
            guard status.mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) else {
                throw LodgeError(.alreadyExists, "'\(path)' exists and is no socket")
            }
            try AtomicFile.remove(path)
        }
        try syscall("bind", "cannot make the socket '\(path)'") { unsafe lodge_unix_bind(number, place.address) }
        do throws(LodgeError) {
            try syscall("listen", "cannot listen on the socket '\(path)'") { Glibc.listen(number, backlog) }
        } catch {
            _ = try? AtomicFile.remove(path)
            throw error
        }
        return socket
    }

    /// Connects to a socket, waiting while its backlog is full. The connection is non-blocking.
    ///
    /// - Throws: `.notFound` when there is no socket or nobody listens; `.busy` when the deadline passes with the
    ///   backlog still full: somebody is there, and does not accept.
    public static func connect(
        _ path: String, until limit: Deadline? = nil, context: OperationContext
    ) throws(LodgeError) -> OwnedFD {
        let place = try Place(path)
        let context = limit.map { context.until($0) } ?? context
        let socket = OwnedFD(taking: try syscall("socket", "cannot make a socket") { lodge_unix_socket() })
        let number = socket.raw
        var delay = Duration.milliseconds(1)
        while true {
            switch attempt({ unsafe lodge_unix_connect(number, place.address) }) {
            case .success: return socket
            case .failure(.resourceTemporarilyUnavailable):
                guard try context.pauses(delay, "connecting to '\(path)'") else {
                    throw LodgeError(.busy, "the socket '\(path)' accepts no connection")
                }
                delay = min(delay * 2, .milliseconds(20))
            case .failure(let errno):
                throw LodgeError(
                    errno == .connectionRefused ? .notFound : .init(errno), "cannot connect to '\(path)'",
                    cause: .errno(errno, call: "connect"))
            }
        }
    }

    /// Accepts one waiting connection, nil when there is none. The connection is non-blocking.
    public static func accept(_ socket: CInt) throws(LodgeError) -> OwnedFD? {
        switch attempt({ lodge_accept(socket) }) {
        case .success(let number): return OwnedFD(taking: number)
        case .failure(.resourceTemporarilyUnavailable), .failure(.connectionAbort): return nil
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot accept a connection", cause: .errno(errno, call: "accept4"))
        }
    }

    /// Whoever was at the other end when the connection was made (for a listener: when it began to listen).
    ///
    /// - Returns: nil when it cannot be told, or the process is gone. Where the kernel gives no descriptor (before
    ///   6.5) it is opened by its pid, which another process may have by now: check its identity.
    public static func peer(_ connection: CInt, features: KernelFeatures) throws(LodgeError) -> PidFD? {
        if features.socketPeerPidfd, case .success(let number) = attempt({ lodge_peer_pidfd(connection) }) {
            return PidFD(taking: OwnedFD(taking: number))
        }
        guard let pid = peerPID(connection) else { return nil }
        return try PidFD.open(pid: pid)
    }

    /// The pid of the other end, nil when it is not of this pid namespace.
    public static func peerPID(_ connection: CInt) -> Int32? {
        if case .success(let pid) = attempt({ lodge_peer_pid(connection) }), pid > 0 { return pid }
        return nil
    }

    /// A name in an open directory, as an address.
    private struct Place: ~Copyable {
        private let directory: OwnedFD
        let address: String

        init(_ path: String) throws(LodgeError) {
            guard !path.utf8.contains(0) else { throw LodgeError(.invalidArgument, "a NUL character in a path") }
            let (parent, name) = AtomicFile.split(path)
            let file = OwnedFD(
                taking: try syscall("open", "cannot open '\(parent)'") {
                    unsafe Glibc.open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                })
            let address = "/proc/self/fd/\(file.raw)/\(name)"
            guard !name.isEmpty, address.utf8.count < 108 else {
                throw LodgeError(
                    .invalidArgument, "'\(name)' cannot be the name of a socket", hint: "use at most 80 bytes")
            }
            self.address = address
            directory = file
        }
    }
}
