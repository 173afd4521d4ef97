import CLibNL

/// A bounds-checked view of bytes that came from the kernel: a header of a fixed type, then attributes.
struct ByteView {
    private let bytes: [UInt8]
    private let range: Range<Int>

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        range = 0..<bytes.count
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        self.range = range
    }

    var count: Int { range.count }
    var array: [UInt8] { Array(bytes[range]) }

    /// Nil when fewer bytes are there than the type has.
    func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int = 0) -> Value? {
        let start = range.lowerBound + offset
        guard offset >= 0, start <= range.upperBound, MemoryLayout<Value>.size <= range.upperBound - start else {
            return nil
        }
        return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: start, as: type) }
    }

    /// From an offset on; empty when the offset lies past the end.
    func dropFirst(_ count: Int) -> ByteView {
        ByteView(bytes, min(range.lowerBound + max(0, count), range.upperBound)..<range.upperBound)
    }

    func prefix(_ count: Int) -> ByteView {
        ByteView(bytes, range.lowerBound..<min(range.lowerBound + max(0, count), range.upperBound))
    }

    /// Up to the first NUL.
    var string: String { String(decoding: bytes[range].prefix { $0 != 0 }, as: UTF8.self) }

    var u8: UInt8? { load(UInt8.self) }
    var u16: UInt16? { load(UInt16.self) }
    var u32: UInt32? { load(UInt32.self) }
    /// netfilter's numbers are in network order.
    var bigEndianU32: UInt32? { u32.map(UInt32.init(bigEndian:)) }

    /// Calls `body` with each attribute's type (flags taken off) and payload; stops at the first malformed one.
    func forEachAttribute(_ body: (Int, ByteView) -> Void) {
        var rest = self
        while let header = rest.load(nlattr.self), Int(header.nla_len) >= MemoryLayout<nlattr>.size,
            Int(header.nla_len) <= rest.count
        {
            let length = Int(header.nla_len)
            body(
                Int(header.nla_type) & ~(Int(NLA_F_NESTED) | Int(NLA_F_NET_BYTEORDER)),
                rest.prefix(length).dropFirst(MemoryLayout<nlattr>.size))
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }
}

/// One message out of a datagram.
struct ReceivedMessage {
    let type: Int
    let flags: Int
    let sequence: UInt32
    let payload: ByteView

    /// All whole messages of a datagram.
    static func all(in datagram: [UInt8]) -> [ReceivedMessage] {
        var messages: [ReceivedMessage] = []
        var rest = ByteView(datagram)
        while let header = rest.load(nlmsghdr.self), Int(header.nlmsg_len) >= MemoryLayout<nlmsghdr>.size,
            Int(header.nlmsg_len) <= rest.count
        {
            let length = Int(header.nlmsg_len)
            messages.append(
                ReceivedMessage(
                    type: Int(header.nlmsg_type), flags: Int(header.nlmsg_flags), sequence: header.nlmsg_seq,
                    payload: rest.prefix(length).dropFirst(MemoryLayout<nlmsghdr>.size)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }
}
