import LodgeCore

/// Writes dnsmasq's configuration so that no value can become an option of its own.
///
/// Its parser reads lines of 1024 bytes and splits longer ones, takes commas apart outside quotes, and knows backslash
/// escapes inside them.
struct DnsmasqWriter {
    /// A part between commas.
    enum Word: Sendable {
        /// Letters, digits and a few signs, checked.
        case plain(String)
        /// Any text without control characters.
        case quoted(String)
    }

    private(set) var text = ""

    /// An option without a value.
    mutating func option(_ name: String) throws(LodgeError) { try line(name) }

    mutating func option(_ name: String, _ words: [Word]) throws(LodgeError) {
        var parts: [String] = []
        for word in words { parts.append(try Self.written(word, in: name)) }
        try line(name + "=" + parts.joined(separator: ","))
    }

    private mutating func line(_ line: String) throws(LodgeError) {
        guard line.utf8.count <= 1000 else {
            throw LodgeError(
                .invalidArgument, "'\(line.prefix(40))…' is longer than a line of dnsmasq's configuration can be",
                hint: "use shorter names and texts")
        }
        text += line + "\n"
    }

    private static func written(_ word: Word, in option: String) throws(LodgeError) -> String {
        switch word {
        case .plain(let text):
            let isPlain = text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: [UInt8](".-_:/#*[]".utf8).contains(byte)
                }
            }
            guard isPlain else { throw unsuitable(text, option) }
            return text
        case .quoted(let text):
            guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                throw unsuitable(text, option)
            }
            let escaped = text.flatMap { character -> [Character] in
                character == "\"" || character == "\\" ? ["\\", character] : [character]
            }
            return "\"" + String(escaped) + "\""
        }
    }

    private static func unsuitable(_ text: String, _ option: String) -> LodgeError {
        LodgeError(
            .invalidArgument, "a value for dnsmasq's option '\(option)' holds characters that it cannot have",
            cause: .text(String(text.prefix(60))), hint: "use letters, digits, '.', '-' and '_'")
    }
}
