import Glibc
import SystemPackage
import LodgeCore

/// Cuts the bytes of a monitor into lines, with a bound on each.
///
/// QEMU ends every message with a line feed. A peer that never sends one is cut off at the bound.
struct LineReader: Sendable {
    /// Larger than any answer: `query-qmp-schema` is below 300 KB, a few thousand block nodes below 16 MiB.
    static let limit = 16 << 20

    private var buffer: [UInt8] = []
    /// Where the unread part of the buffer begins.
    private var start = 0
    /// Up to where the unread part is known to hold no line feed, so that a dripping peer costs no more than its bytes.
    private var searched = 0

    enum Filling { case bytes, nothingYet, end }

    /// Reads once from a descriptor that does not block.
    mutating func fill(from descriptor: CInt) throws(LodgeError) -> Filling {
        if start > 0 && start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.count <= 1 << 16)
            (start, searched) = (0, 0)
        }
        guard buffer.count - start <= Self.limit else {
            throw LodgeError(.monitor, "QEMU sent more than \(Self.limit) bytes without an end of line")
        }
        var chunk = [UInt8](repeating: 0, count: 32768)
        let result = attempt {
            unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT))
            }
        }
        switch result {
        case .success(0): return .end
        case .success(let count):
            buffer += chunk[..<count]
            return .bytes
        case .failure(.resourceTemporarilyUnavailable), .failure(.wouldBlock): return .nothingYet
        case .failure(.connectionReset): return .end
        case .failure(let errno):
            throw LodgeError(.monitor, "cannot read from QEMU's monitor", cause: .errno(errno, call: "recv"))
        }
    }

    /// The next whole line without its end, or nil when there is none yet.
    mutating func next() -> [UInt8]? {
        guard let end = lineFeed(from: max(start, searched)) else {
            searched = buffer.count
            return nil
        }
        var line = buffer[start..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        start = end + 1
        searched = start
        if start > 1 << 20 {
            buffer.removeFirst(start)
            (start, searched) = (0, 0)
        }
        return Array(line)
    }

    private func lineFeed(from index: Int) -> Int? {
        unsafe buffer.withUnsafeBytes { bytes in
            guard index < bytes.count, let base = bytes.baseAddress,
                let found = unsafe memchr(base + index, 0x0A, bytes.count - index)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - base
        }
    }
}
