import Glibc

/// `NLM_F_…` of linux/netlink.h.
enum Flag {
    static let request: UInt16 = 0x1
    static let acknowledge: UInt16 = 0x4
    static let dump: UInt16 = 0x300
    /// Made new, or refused.
    static let create: UInt16 = 0x600
    /// At the end of a list.
    static let append: UInt16 = 0xc00
}

/// A netlink message while it is written: nothing between it and the kernel.
struct NetlinkMessage {
    private(set) var bytes = [UInt8](repeating: 0, count: 16)

    /// - Parameter header: the family's own header, `ifinfomsg` and the like.
    init(_ type: UInt16, flags: UInt16, header: [UInt8]) {
        replace(4, with: type)
        replace(6, with: flags | Flag.request)
        bytes += header
    }

    mutating func put(_ type: Int, _ value: [UInt8]) {
        append(UInt16(4 + value.count))
        append(UInt16(type))
        bytes += value
        pad()
    }

    mutating func put(_ type: Int, _ text: String) { put(type, Array(text.utf8) + [0]) }
    mutating func put(_ type: Int, host value: UInt32) { put(type, raw(value)) }
    mutating func put(_ type: Int, big value: UInt32) { put(type, raw(value.bigEndian)) }

    mutating func nest(_ type: Int, _ body: (inout Self) -> Void) {
        let start = bytes.count
        append(UInt16(0))
        append(UInt16(type | 1 << 15))
        body(&self)
        replace(start, with: UInt16(bytes.count - start))
    }

    mutating func finish(sequence: UInt32) -> [UInt8] {
        replace(0, with: UInt32(bytes.count))
        replace(8, with: sequence)
        return bytes
    }

    private mutating func append<T: BitwiseCopyable>(_ value: T) { bytes += raw(value) }
    private mutating func replace<T: BitwiseCopyable>(_ offset: Int, with value: T) {
        bytes.replaceSubrange(offset..<(offset + MemoryLayout<T>.size), with: raw(value))
    }
    private mutating func pad() { while !bytes.count.isMultiple(of: 4) { bytes.append(0) } }
}

func raw<T: BitwiseCopyable>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

/// One netlink socket in the calling thread's namespace.
final class RawNetlink {
    static let (route, netfilter) = (Int32(0), Int32(12))

    private let socket: Int32
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(_ family: Int32 = RawNetlink.route) throws {
        socket = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), family)
        guard socket >= 0 else { throw Failure(errno: "cannot open a netlink socket") }
    }

    deinit { close(socket) }

    /// Sends messages at once and waits until the last of them that asks for it is acknowledged.
    func change(_ messages: [NetlinkMessage]) throws {
        var bytes: [UInt8] = []
        var last: UInt32 = 0
        for var message in messages {
            sequence += 1
            if message.bytes[6] & UInt8(Flag.acknowledge) != 0 { last = sequence }
            bytes += message.finish(sequence: sequence)
        }
        guard send(socket, bytes, bytes.count, 0) == bytes.count else { throw Failure(errno: "cannot send netlink") }
        var isDone = false
        while !isDone {
            try receive { type, number, body in
                guard type == 2 else { return }
                let code = body.load(Int32.self, at: 0)
                guard code == 0 else { throw Failure("the kernel refused: \(String(cString: strerror(-code)))") }
                if number == last { isDone = true }
            }
        }
    }

    /// The messages of one dump.
    @discardableResult
    func dump(_ type: UInt16, header: [UInt8]) throws -> Int {
        sequence += 1
        var message = NetlinkMessage(type, flags: Flag.dump, header: header)
        let bytes = message.finish(sequence: sequence)
        guard send(socket, bytes, bytes.count, 0) == bytes.count else { throw Failure(errno: "cannot send netlink") }
        var (count, isDone) = (0, false)
        while !isDone {
            try receive { type, _, _ in
                if type == 3 || type == 2 { isDone = true } else { count += 1 }
            }
        }
        return count
    }

    private func receive(_ each: (UInt16, UInt32, UnsafeRawBufferPointer) throws -> Void) throws {
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { throw Failure(errno: "cannot receive netlink") }
        try buffer.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 16 <= count {
                let length = Int(bytes.load(UInt32.self, at: offset))
                guard length >= 16, offset + length <= count else { break }
                try each(
                    bytes.load(UInt16.self, at: offset + 4), bytes.load(UInt32.self, at: offset + 8),
                    UnsafeRawBufferPointer(rebasing: bytes[(offset + 16)..<(offset + length)]))
                offset += (length + 3) & ~3
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func load<T: BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
        loadUnaligned(fromByteOffset: offset, as: type)
    }
}

/// Links and addresses, as few messages as the work takes.
extension RawNetlink {
    private static let created = Flag.acknowledge | Flag.create

    private static func link(index: Int32, flags: UInt32 = 0, mask: UInt32 = 0) -> [UInt8] {
        raw(LinkHeader(index: index, flags: flags, mask: mask))
    }

    func createBridge(_ name: String, index: Int32, mac: [UInt8]) throws {
        var message = NetlinkMessage(16, flags: Self.created, header: Self.link(index: index))
        message.put(3, name)
        message.put(1, mac)
        message.nest(18) { info in
            info.put(1, "bridge")
            info.nest(2) { data in
                data.put(1, host: 0)
                data.put(5, host: 0)
            }
        }
        try change([message])
    }

    func addAddress(_ address: [UInt8], length: UInt8, index: Int32) throws {
        let header = AddressHeader(family: UInt8(AF_INET), length: length, index: UInt32(bitPattern: index))
        var message = NetlinkMessage(20, flags: Self.created, header: raw(header))
        message.put(2, address)
        message.put(1, address)
        message.put(4, address.dropLast() + [255])
        try change([message])
    }

    /// Up, with a master when one is given.
    func setUp(_ index: Int32, master: Int32? = nil, mac: [UInt8]? = nil, alias: String? = nil) throws {
        var message = NetlinkMessage(
            19, flags: Flag.acknowledge, header: Self.link(index: index, flags: UInt32(IFF_UP), mask: UInt32(IFF_UP)))
        if let mac { message.put(1, mac) }
        if let master { message.put(10, host: UInt32(bitPattern: master)) }
        if let alias { message.put(20, alias) }
        try change([message])
    }

    func deleteLink(_ index: Int32) throws {
        try change([NetlinkMessage(17, flags: Flag.acknowledge, header: Self.link(index: index))])
    }

    /// All links and addresses.
    func dumpLinks() throws {
        try dump(18, header: Self.link(index: 0))
        try dump(22, header: raw(AddressHeader()))
    }
}

/// `struct ifinfomsg`.
private struct LinkHeader: BitwiseCopyable {
    var family: UInt8 = 0
    var padding: UInt8 = 0
    var type: UInt16 = 0
    var index: Int32
    var flags: UInt32
    var mask: UInt32
}

/// `struct ifaddrmsg`.
private struct AddressHeader: BitwiseCopyable {
    var family: UInt8 = 0
    var length: UInt8 = 0
    var flags: UInt8 = 0
    var scope: UInt8 = 0
    var index: UInt32 = 0
}
