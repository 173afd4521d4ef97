import CLibNL
import LodgeCore

/// One netlink request under construction, over libnl's `nl_msg`.
/// The message is made in `init`, freed in `deinit`, and never leaves.
@safe struct MessageWriter: ~Copyable {
    private let message: OpaquePointer
    /// The first step that did not fit; reported when the message is sent, so that building needs no `try`.
    private(set) var overflowed = false

    init(type: Int32, flags: Int32) throws(LodgeError) {
        guard let message = unsafe nlmsg_alloc_size(8192) else {
            throw LodgeError(.system, "no memory for a netlink request")
        }
        unsafe self.message = message
        if unsafe nlmsg_put(message, 0, 0, type, 0, flags) == nil { overflowed = true }
    }

    deinit { unsafe nlmsg_free(message) }

    /// The family's fixed header (`ifinfomsg`, `ifaddrmsg`…), padded as the protocol wants.
    mutating func append<Header: BitwiseCopyable>(_ header: Header) {
        var header = header
        if unsafe nlmsg_append(message, &header, MemoryLayout<Header>.size, Int32(NLMSG_ALIGNTO)) < 0 {
            overflowed = true
        }
    }

    mutating func put(_ type: some BinaryInteger, _ bytes: [UInt8]) {
        if unsafe nla_put(message, Int32(truncatingIfNeeded: type), Int32(clamping: bytes.count), bytes) < 0 {
            overflowed = true
        }
    }

    mutating func put(_ type: some BinaryInteger, u8 value: UInt8) { put(type, [value]) }

    /// Host order, as rtnetlink has most numbers.
    mutating func put(_ type: some BinaryInteger, u32 value: UInt32) {
        put(type, unsafe withUnsafeBytes(of: value) { unsafe Array($0) })
    }

    /// With the NUL that the kernel's string attributes have.
    mutating func put(_ type: some BinaryInteger, string: String) { put(type, Array(string.utf8) + [0]) }

    /// An attribute that holds attributes.
    mutating func nest(_ type: some BinaryInteger, _ body: (inout MessageWriter) -> Void) {
        guard let start = unsafe nla_nest_start(message, Int32(truncatingIfNeeded: type)) else {
            overflowed = true
            return
        }
        body(&self)
        if unsafe nla_nest_end_keep_empty(message, start) < 0 { overflowed = true }
    }

    /// The finished bytes, with the sequence number put in.
    consuming func finish(sequence: UInt32) throws(LodgeError) -> [UInt8] {
        guard !overflowed, let header = unsafe nlmsg_hdr(message) else {
            throw LodgeError(.invalidArgument, "a netlink request is too long")
        }
        unsafe header.pointee.nlmsg_seq = sequence
        return unsafe Array(UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len)))
    }
}
