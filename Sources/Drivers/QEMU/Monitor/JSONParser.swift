/// Reads JSON (RFC 8259) from bytes of unknown origin: the input's size is the caller's bound, depth and number of
/// values are checked here before anything is allocated for them.
///
/// Stricter than the standard asks: a name twice in one object and a number out of range are refused. More lenient in
/// one place: half a surrogate pair and bytes that are not UTF-8 become U+FFFD, for a guest may have chosen them.
struct JSONParser {
    struct Limits: Sendable {
        var depth = 64
        /// Of all kinds, the containers and members among them.
        var values = 400_000
    }

    /// What is wrong and where, in bytes from the start.
    struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
        var reason: String
        var offset: Int
        var description: String { "\(reason) at byte \(offset)" }
    }

    private let bytes: ArraySlice<UInt8>
    private var index: Int
    private var depthLeft: Int
    private var valuesLeft: Int

    /// Parses one value with nothing but white space around it.
    static func parse(_ bytes: ArraySlice<UInt8>, limits: Limits = Limits()) throws(Fault) -> JSONValue {
        var parser = JSONParser(bytes: bytes, limits: limits)
        let value = try parser.value()
        parser.skipSpace()
        guard parser.index == bytes.endIndex else { throw parser.fault("something behind the value") }
        return value
    }

    static func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(Fault) -> JSONValue {
        try parse(bytes[...], limits: limits)
    }

    private init(bytes: ArraySlice<UInt8>, limits: Limits) {
        self.bytes = bytes
        index = bytes.startIndex
        depthLeft = limits.depth
        valuesLeft = limits.values
    }

    private func fault(_ reason: String) -> Fault { Fault(reason: reason, offset: index - bytes.startIndex) }

    private var current: UInt8? { index < bytes.endIndex ? bytes[index] : nil }

    private mutating func skipSpace() {
        while index < bytes.endIndex {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Fault) {
        guard take(character) else { throw fault("no '\(character)'") }
    }

    private mutating func value() throws(Fault) -> JSONValue {
        skipSpace()
        guard let first = current else { throw fault("no value") }
        guard valuesLeft > 0 else { throw fault("too many values") }
        valuesLeft -= 1
        switch first {
        case UInt8(ascii: "{"): return .object(try nested { (parser) throws(Fault) in try parser.object() })
        case UInt8(ascii: "["): return .array(try nested { (parser) throws(Fault) in try parser.array() })
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested<Value>(
        _ body: (inout JSONParser) throws(Fault) -> Value
    ) throws(Fault) -> Value {
        guard depthLeft > 0 else { throw fault("nested too deeply") }
        depthLeft -= 1
        index += 1
        let value = try body(&self)
        depthLeft += 1
        return value
    }

    private mutating func array() throws(Fault) -> [JSONValue] {
        var values: [JSONValue] = []
        skipSpace()
        if take("]") { return values }
        while true {
            values.append(try value())
            skipSpace()
            if take("]") { return values }
            try expect(",")
        }
    }

    private mutating func object() throws(Fault) -> [String: JSONValue] {
        var members: [String: JSONValue] = [:]
        skipSpace()
        if take("}") { return members }
        while true {
            skipSpace()
            guard current == UInt8(ascii: "\"") else { throw fault("no member name") }
            let name = try string()
            guard members[name] == nil else { throw fault("a member twice") }
            skipSpace()
            try expect(":")
            members[name] = try value()
            skipSpace()
            if take("}") { return members }
            try expect(",")
        }
    }

    private mutating func word(_ text: StaticString, _ value: JSONValue) throws(Fault) -> JSONValue {
        for byte in "\(text)".utf8 {
            guard current == byte else { throw fault("not JSON") }
            index += 1
        }
        return value
    }

    // MARK: - Strings

    private mutating func string() throws(Fault) -> String {
        index += 1
        let start = index
        // The common case, no escapes, is one slice.
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { index += 1 }
        if current == UInt8(ascii: "\"") {
            defer { index += 1 }
            return String(decoding: bytes[start..<index], as: UTF8.self)
        }
        var text = Array(bytes[start..<index])
        while true {
            guard let byte = current else { throw fault("a string without end") }
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case ..<0x20: throw fault("a control character in a string")
            default: text.append(byte)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(Fault) {
        guard let byte = current else { throw fault("a string without end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = Unicode.Scalar(try codePoint()) ?? "\u{FFFD}"
            text += Array(String(Character(scalar)).utf8)
        default: throw fault("an unknown escape")
        }
    }

    /// The code point of `\uXXXX`, or of a surrogate pair; a surrogate that stays alone is returned as it is.
    private mutating func codePoint() throws(Fault) -> UInt32 {
        let high = try fourDigits()
        guard (0xD800..<0xDC00).contains(high), current == UInt8(ascii: "\\"), index + 1 < bytes.endIndex,
            bytes[index + 1] == UInt8(ascii: "u")
        else { return high }
        let rest = index
        index += 2
        let low = try fourDigits()
        guard (0xDC00..<0xE000).contains(low) else {
            index = rest
            return high
        }
        return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)
    }

    private mutating func fourDigits() throws(Fault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("not four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            index += 1
        }
        return value
    }

    // MARK: - Numbers

    private mutating func digits() -> Int {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    private mutating func number() throws(Fault) -> JSONValue {
        let start = index
        _ = take("-")
        let leadsWithZero = current == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0, !leadsWithZero || whole == 1 else { throw fault("not JSON") }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard digits() > 0 else { throw fault("not a number") }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw fault("not a number") }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard index - start <= 512, let value = Double(text), value.isFinite else {
            throw fault("a number out of range")
        }
        return .number(value)
    }
}
