import CLibNL
import CLinux
import Glibc
public import LodgeCore
import SystemPackage

/// A conversation with the kernel about links, addresses, routes or tables, in the network namespace of the thread
/// that opened it.
///
/// Opened per operation on a worker thread and used there only, so it is not Sendable. The kernel answers requests
/// while they are sent; the receive timeout is only there so that no wait is without an end.
///
/// The libnl socket is made in `init`, freed in `deinit`, and never leaves.
@safe public final class NetlinkSession {
    private let socket: OpaquePointer
    private var sequence: UInt32 = 0
    private var changedFilter = false

    public enum Family: Sendable {
        case route
        case netfilter

        var number: CInt { self == .route ? NETLINK_ROUTE : NETLINK_NETFILTER }
    }

    /// - Throws: ``LodgeError`` when the kernel gives no socket.
    public init(_ family: Family = .route) throws(LodgeError) {
        // The kernel chooses the port: libnl derives it from the pid, which two copies of it in one process would
        // share.
        let raw = try syscall("socket", "cannot talk to the kernel's network") {
            Glibc.socket(AF_NETLINK, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), family.number)
        }
        var owner = Optional(OwnedFD(taking: raw))
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        try syscall("bind", "cannot talk to the kernel's network") {
            unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(raw, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
                }
            }
        }
        try Self.set(raw, SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: 10, tv_usec: 0))
        // Before 4.20 strict checking is unknown; the rest is older than anything that runs this.
        for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] {
            try Self.set(raw, SOL_NETLINK, option, CInt(1))
        }
        guard let socket = unsafe nl_socket_alloc() else {
            throw LodgeError(.system, "no memory for a netlink socket")
        }
        let result = unsafe nl_socket_set_fd(socket, family.number, raw)
        guard result == 0 else {
            unsafe nl_socket_free(socket)
            throw LodgeError(.system, "cannot set up a netlink socket", cause: .text(Self.text(result)))
        }
        _ = owner.take()?.release()
        unsafe nl_socket_set_msg_buf_size(socket, 64 << 10)
        unsafe self.socket = socket
    }

    deinit {
        // The last close of a socket that changed the packet filter waits until the kernel has disposed of what was
        // replaced, ten milliseconds and more, which nothing here depends on.
        let raw = unsafe nl_socket_get_fd(socket)
        let copy = changedFilter ? attempt { lodge_dup_cloexec(raw) } : .failure(.badFileDescriptor)
        unsafe nl_socket_free(socket)
        if case .success(let number) = copy { OwnedFD(taking: number).closeElsewhere() }
    }

    private static func set<Value: BitwiseCopyable>(_ fd: CInt, _ level: CInt, _ name: CInt, _ value: Value)
        throws(LodgeError)
    {
        var value = value
        try syscall("setsockopt", "cannot set up a netlink socket") {
            unsafe setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Value>.size))
        }
    }

    private static func text(_ code: CInt) -> String {
        guard let text = unsafe nl_geterror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    // MARK: Requests

    /// Sends a change and waits for the kernel's acknowledgement.
    func change(
        _ type: some BinaryInteger, flags: CInt = 0, _ what: @autoclosure () -> String,
        _ build: (inout MessageWriter) -> Void
    ) throws(LodgeError) {
        var message = try MessageWriter(type: Int32(truncatingIfNeeded: type), flags: NLM_F_REQUEST | NLM_F_ACK | flags)
        build(&message)
        try send(try message.finish(sequence: nextSequence()), what())
        try acknowledge(what())
    }

    /// Asks for one object; nil when the kernel says that there is none.
    func get(
        _ type: some BinaryInteger, _ what: @autoclosure () -> String, _ build: (inout MessageWriter) -> Void
    ) throws(LodgeError) -> ReceivedMessage? {
        var message = try MessageWriter(type: Int32(truncatingIfNeeded: type), flags: NLM_F_REQUEST)
        build(&message)
        try send(try message.finish(sequence: nextSequence()), what())
        while true {
            for message in try receive(what()) where message.sequence == sequence {
                guard message.type == Int(NLMSG_ERROR) else { return message }
                let failure = try refusal(message, what())
                if let failure, failure.0 == Errno(rawValue: ENODEV) || failure.0 == .noSuchFileOrDirectory {
                    return nil
                }
                if let failure { throw failure.1 }
            }
        }
    }

    /// Asks for all objects. The kernel marks a dump that a change cut in two; it is then asked again, five times at
    /// most.
    func dump(
        _ type: some BinaryInteger, _ what: @autoclosure () -> String, _ build: (inout MessageWriter) -> Void,
        _ each: (ReceivedMessage) -> Void, restart: () -> Void
    ) throws(LodgeError) {
        for _ in 0..<5 {
            var message = try MessageWriter(
                type: Int32(truncatingIfNeeded: type), flags: NLM_F_REQUEST | CInt(NLM_F_DUMP))
            build(&message)
            try send(try message.finish(sequence: nextSequence()), what())
            if try collect(what(), each) { return }
            restart()
        }
        throw LodgeError(
            .busy, "\(what()): the kernel's tables changed during every one of five readings",
            hint: "Try again when fewer interfaces are coming and going")
    }

    /// Reads one dump to its end; false when it was interrupted.
    private func collect(_ what: String, _ each: (ReceivedMessage) -> Void) throws(LodgeError) -> Bool {
        var whole = true
        while true {
            for message in try receive(what) where message.sequence == sequence {
                if message.flags & Int(NLM_F_DUMP_INTR) != 0 { whole = false }
                switch message.type {
                case Int(NLMSG_DONE):
                    if let failure = try refusal(message, what) {
                        // A dump over a table that went away while it was read.
                        if failure.0 == .interrupted || failure.0 == .resourceTemporarilyUnavailable { return false }
                        throw failure.1
                    }
                    return whole
                case Int(NLMSG_ERROR):
                    if let failure = try refusal(message, what) { throw failure.1 }
                case Int(NLMSG_NOOP), Int(NLMSG_OVERRUN): break
                default: each(message)
                }
            }
        }
    }

    /// Sends messages that the kernel takes as one transaction: it is done when the last one is acknowledged, and has
    /// failed when any is refused.
    func transaction(_ bytes: [UInt8], sequences: ClosedRange<UInt32>, _ what: String) throws(LodgeError) {
        changedFilter = true
        try send(bytes, what)
        while true {
            for message in try receive(what)
            where sequences.contains(message.sequence) && message.type == Int(NLMSG_ERROR) {
                if let failure = try refusal(message, what) { throw failure.1 }
                if message.sequence == sequences.upperBound { return }
            }
        }
    }

    func nextSequence() -> UInt32 {
        sequence &+= 1
        return sequence
    }

    private func acknowledge(_ what: String) throws(LodgeError) {
        while true {
            for message in try receive(what) where message.sequence == sequence && message.type == Int(NLMSG_ERROR) {
                if let failure = try refusal(message, what) { throw failure.1 }
                return
            }
        }
    }

    /// The error in an acknowledgement or at a dump's end; nil for success.
    private func refusal(_ message: ReceivedMessage, _ what: String) throws(LodgeError) -> (Errno, LodgeError)? {
        guard let code = message.payload.load(Int32.self) else {
            throw LodgeError(.system, "\(what): the kernel's answer is cut short")
        }
        guard code < 0 else { return nil }
        let errno = Errno(rawValue: code == Int32.min ? EINVAL : -code)
        var text: String?
        if message.flags & Int(NLM_F_ACK_TLVS) != 0 {
            let skipped = message.type == Int(NLMSG_ERROR) ? MemoryLayout<nlmsgerr>.size : MemoryLayout<Int32>.size
            message.payload.dropFirst(skipped).forEachAttribute { type, value in
                if type == Int(NLMSGERR_ATTR_MSG.rawValue) { text = value.string }
            }
        }
        return (errno, LodgeError(.init(errno), what, cause: .netlink(errno, text: text), hint: Self.hint(errno)))
    }

    private static func hint(_ errno: Errno) -> String? {
        errno == .notPermitted ? "Run as root, or inside a user and network namespace of your own" : nil
    }

    // MARK: Bytes

    private func send(_ bytes: [UInt8], _ what: String) throws(LodgeError) {
        let fd = unsafe nl_socket_get_fd(socket)
        try syscall("send", what) { unsafe Glibc.send(fd, bytes, bytes.count, 0) }
    }

    /// One datagram's messages; only the kernel is listened to.
    private func receive(_ what: String) throws(LodgeError) -> [ReceivedMessage] {
        while true {
            var sender = sockaddr_nl()
            var buffer: UnsafeMutablePointer<UInt8>?
            let count = unsafe nl_recv(socket, &sender, &buffer, nil)
            defer { unsafe free(buffer) }
            if count == -NLE_INTR { continue }
            guard count > 0, let start = unsafe buffer else {
                if count == -NLE_AGAIN { throw LodgeError(.timeout, "\(what): the kernel did not answer") }
                throw LodgeError(.system, what, cause: .text(Self.text(count)))
            }
            if sender.nl_pid != 0 { continue }
            return ReceivedMessage.all(in: unsafe Array(UnsafeBufferPointer(start: start, count: Int(count))))
        }
    }
}
