/// Looks at JSON before a decoder does: bounds its size and depth, and refuses a key that stands twice in an object,
/// of which decoders silently take one or the other.
enum JSONCheck {
    enum Fault: Error, Equatable {
        case tooLarge, tooDeep, duplicateKey(String), escapedKey, malformed
    }

    /// Whether the text is malformed in other ways is left to the decoder.
    static func check(_ bytes: [UInt8], limit: Int, depth: Int) throws(Fault) {
        guard bytes.count <= limit else { throw .tooLarge }
        // For each open object the ranges of its keys so far; nil for an array.
        var open: [[Range<Int>]?] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard open.count < depth else { throw .tooDeep }
                open.append(bytes[index] == UInt8(ascii: "{") ? [] : nil)
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard open.popLast() != nil else { throw .malformed }
                index += 1
            case UInt8(ascii: "\""):
                let (content, escaped, next) = try string(in: bytes, at: index)
                index = next
                guard isColon(bytes, at: next) else { continue }
                guard let last = open.indices.last, let keys = open[last] else { throw .malformed }
                // A key could otherwise be written in two ways. None that is written here needs an escape.
                guard !escaped else { throw .escapedKey }
                guard keys.count < 100 else { throw .tooLarge }
                if keys.contains(where: { bytes[$0].elementsEqual(bytes[content]) }) {
                    throw .duplicateKey(String(decoding: bytes[content], as: UTF8.self))
                }
                open[last]?.append(content)
            default: index += 1
            }
        }
        guard open.isEmpty else { throw .malformed }
    }

    /// The string that begins at the quote: its content, whether it has escapes, and where it ends.
    private static func string(in bytes: [UInt8], at quote: Int) throws(Fault) -> (Range<Int>, Bool, Int) {
        var index = quote + 1
        var escaped = false
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""): return (quote + 1..<index, escaped, index + 1)
            case UInt8(ascii: "\\"):
                escaped = true
                index += 2
            default: index += 1
            }
        }
        throw .malformed
    }

    private static func isColon(_ bytes: [UInt8], at start: Int) -> Bool {
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            case UInt8(ascii: ":"): return true
            default: return false
            }
        }
        return false
    }
}

extension JSONCheck.Fault: CustomStringConvertible {
    var description: String {
        switch self {
        case .tooLarge: "larger than allowed"
        case .tooDeep: "nested too deeply"
        case .duplicateKey(let key): "the key '\(key)' stands twice"
        case .escapedKey: "a key with an escape in it"
        case .malformed: "malformed JSON"
        }
    }
}
