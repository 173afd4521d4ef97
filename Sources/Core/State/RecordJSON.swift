/// JSON as records have it, read strictly and at once: a general decoder takes twenty times as long, which counts with
/// five hundred guests, and silently takes one of two keys of the same name.
enum RecordJSON {
    case object([(key: String, value: RecordJSON)])
    case array([RecordJSON])
    case string(String)
    case integer(isNegative: Bool, magnitude: UInt64)
    /// A number with a fraction, an exponent, or too many digits: there is none in a record.
    case otherNumber
    case bool(Bool)
    case null

    enum Fault: Error, Equatable {
        case tooLarge
        case tooDeep
        case malformed(Int)
        case duplicateKey(String)
        case unknownKeys([String])
        case missing(String)
        case wrong(String)
    }

    private static let depth = 16
    private static let keys = 100

    init(_ bytes: [UInt8], limit: Int) throws(Fault) {
        guard bytes.count <= limit else { throw .tooLarge }
        var parser = Parser(bytes: bytes)
        self = try parser.value(depth: 0)
        parser.skipBlanks()
        guard parser.index == bytes.count else { throw .malformed(parser.index) }
    }

    private struct Parser {
        let bytes: [UInt8]
        var index = 0

        var next: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func skipBlanks() {
            while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
        }

        /// Steps over this byte behind blanks, if it is there.
        mutating func take(_ wanted: Unicode.Scalar) -> Bool {
            skipBlanks()
            guard next == UInt8(ascii: wanted) else { return false }
            index += 1
            return true
        }

        mutating func value(depth: Int) throws(Fault) -> RecordJSON {
            guard depth <= RecordJSON.depth else { throw .tooDeep }
            skipBlanks()
            switch next {
            case UInt8(ascii: "{"): return try object(depth: depth)
            case UInt8(ascii: "["): return try array(depth: depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "t"): return try word("true", .bool(true))
            case UInt8(ascii: "f"): return try word("false", .bool(false))
            case UInt8(ascii: "n"): return try word("null", .null)
            default: return try number()
            }
        }

        private mutating func object(depth: Int) throws(Fault) -> RecordJSON {
            index += 1
            var fields: [(key: String, value: RecordJSON)] = []
            if take("}") { return .object(fields) }
            repeat {
                skipBlanks()
                guard next == UInt8(ascii: "\"") else { throw .malformed(index) }
                let key = try string()
                guard take(":") else { throw .malformed(index) }
                if fields.contains(where: { $0.key == key }) { throw .duplicateKey(key) }
                guard fields.count < RecordJSON.keys else { throw .tooLarge }
                fields.append((key, try value(depth: depth + 1)))
            } while take(",")
            guard take("}") else { throw .malformed(index) }
            return .object(fields)
        }

        private mutating func array(depth: Int) throws(Fault) -> RecordJSON {
            index += 1
            var items: [RecordJSON] = []
            if take("]") { return .array(items) }
            repeat { items.append(try value(depth: depth + 1)) } while take(",")
            guard take("]") else { throw .malformed(index) }
            return .array(items)
        }

        private mutating func word(_ word: StaticString, _ value: RecordJSON) throws(Fault) -> RecordJSON {
            let expected = "\(word)".utf8
            guard bytes[index...].starts(with: expected) else { throw .malformed(index) }
            index += expected.count
            return value
        }

        private mutating func digits() -> Range<Int> {
            let start = index
            while let byte = next, byte >= 0x30, byte <= 0x39 { index += 1 }
            return start..<index
        }

        private mutating func number() throws(Fault) -> RecordJSON {
            let start = index
            let isNegative = next == UInt8(ascii: "-")
            if isNegative { index += 1 }
            let whole = digits()
            guard !whole.isEmpty, whole.count == 1 || bytes[whole.lowerBound] != 0x30 else { throw .malformed(start) }
            var isInteger = true
            if next == UInt8(ascii: ".") {
                index += 1
                isInteger = false
                guard !digits().isEmpty else { throw .malformed(start) }
            }
            if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
                index += 1
                isInteger = false
                if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
                guard !digits().isEmpty else { throw .malformed(start) }
            }
            var magnitude: UInt64 = 0
            for byte in bytes[whole] where isInteger {
                let (tenfold, first) = magnitude.multipliedReportingOverflow(by: 10)
                let (sum, second) = tenfold.addingReportingOverflow(UInt64(byte - 0x30))
                if first || second { isInteger = false }
                magnitude = sum
            }
            return isInteger ? .integer(isNegative: isNegative, magnitude: magnitude) : .otherNumber
        }

        private mutating func string() throws(Fault) -> String {
            let start = index + 1
            index = start
            while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
            var content = bytes[start..<index]
            while let byte = next, byte != UInt8(ascii: "\"") {
                guard byte >= 0x20 else { throw .malformed(index) }
                index += 1
                if byte == UInt8(ascii: "\\") {
                    content.append(contentsOf: try escape())
                } else {
                    content.append(byte)
                }
            }
            guard next != nil, let text = String(validating: content, as: UTF8.self) else { throw .malformed(start) }
            index += 1
            return text
        }

        /// What stands behind a backslash.
        private mutating func escape() throws(Fault) -> [UInt8] {
            guard let byte = next else { throw .malformed(index) }
            index += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
            case UInt8(ascii: "b"): return [0x08]
            case UInt8(ascii: "f"): return [0x0C]
            case UInt8(ascii: "n"): return [0x0A]
            case UInt8(ascii: "r"): return [0x0D]
            case UInt8(ascii: "t"): return [0x09]
            case UInt8(ascii: "u"): break
            default: throw .malformed(index)
            }
            var code = try codeUnit()
            if code >= 0xD800, code < 0xDC00 {
                guard next == UInt8(ascii: "\\") else { throw .malformed(index) }
                index += 1
                guard next == UInt8(ascii: "u") else { throw .malformed(index) }
                index += 1
                let low = try codeUnit()
                guard low >= 0xDC00, low < 0xE000 else { throw .malformed(index) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw .malformed(index) }
            return Array(String(scalar).utf8)
        }

        private mutating func codeUnit() throws(Fault) -> UInt32 {
            var code: UInt32 = 0
            for _ in 0..<4 {
                guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw .malformed(index)
                }
                code = code << 4 | UInt32(digit)
                index += 1
            }
            return code
        }
    }
}

extension RecordJSON {
    /// An object that is read key by key. What nobody took is refused at the end: it is not dropped.
    struct Fields {
        private var rest: [(key: String, value: RecordJSON)]

        init(_ json: RecordJSON, _ what: String) throws(Fault) {
            guard case .object(let fields) = json else { throw .wrong(what) }
            rest = fields
        }

        mutating func take(_ key: String) -> RecordJSON? {
            guard let index = rest.firstIndex(where: { $0.key == key }) else { return nil }
            let value = rest.remove(at: index).value
            if case .null = value { return nil }
            return value
        }

        mutating func optionalString(_ key: String) throws(Fault) -> String? {
            guard let value = take(key) else { return nil }
            guard case .string(let text) = value else { throw .wrong(key) }
            return text
        }

        mutating func string(_ key: String) throws(Fault) -> String {
            guard let text = try optionalString(key) else { throw .missing(key) }
            return text
        }

        mutating func optionalInteger<T: FixedWidthInteger>(_ key: String) throws(Fault) -> T? {
            guard let value = take(key) else { return nil }
            guard case .integer(let isNegative, let magnitude) = value else { throw .wrong(key) }
            // No record has a number below -2^63.
            if !isNegative, let number = T(exactly: magnitude) { return number }
            if isNegative, magnitude <= UInt64(Int64.max), let number = T(exactly: -Int64(magnitude)) { return number }
            throw .wrong(key)
        }

        mutating func integer<T: FixedWidthInteger>(_ key: String) throws(Fault) -> T {
            guard let number: T = try optionalInteger(key) else { throw .missing(key) }
            return number
        }

        mutating func optionalBool(_ key: String) throws(Fault) -> Bool? {
            guard let value = take(key) else { return nil }
            guard case .bool(let answer) = value else { throw .wrong(key) }
            return answer
        }

        mutating func bool(_ key: String) throws(Fault) -> Bool {
            guard let answer = try optionalBool(key) else { throw .missing(key) }
            return answer
        }

        func finish() throws(Fault) {
            if !rest.isEmpty { throw .unknownKeys(rest.map(\.key)) }
        }
    }
}

extension RecordJSON.Fault: CustomStringConvertible {
    var description: String {
        switch self {
        case .tooLarge: "larger than allowed"
        case .tooDeep: "nested too deeply"
        case .malformed(let offset): "malformed JSON at byte \(offset)"
        case .duplicateKey(let key): "the key '\(key)' stands twice"
        case .unknownKeys(let keys): "unknown keys: \(keys.joined(separator: ", "))"
        case .missing(let key): "'\(key)' is missing"
        case .wrong(let key): "'\(key)' is not what it should be"
        }
    }
}
