/// Texts that end up in another language's names.
enum PlainName {
    /// Whether a text is not empty and has only letters, digits, `-`, `_`, `.`, and the given characters.
    static func isPlain(_ text: String, and extra: String = "") -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: extra.utf8.contains(byte)
                }
            }
    }
}

extension ElementReader {
    /// Takes an attribute that holds the path of a file.
    func path(_ name: String) -> String? {
        guard let path = attribute(name) else { return nil }
        if let fault = pathFault(path) {
            record("@\(name) of <\(self.name)> \(fault)", hint: pathHint, attribute: name)
        }
        return path
    }

    /// Takes the text, the path of a file.
    func pathText() -> String {
        let path = text()
        if let fault = pathFault(path) { record("the path in <\(name)> \(fault)", hint: pathHint) }
        return path
    }

    /// Takes an attribute that holds an IP address or a host's name; an empty one says nothing.
    func host(_ name: String) -> String? {
        guard let host = attribute(name), !host.isEmpty else { return nil }
        if !PlainName.isPlain(host, and: ":") {
            record(
                "'\(excerpt(host))' as @\(name) of <\(self.name)> is not an address",
                hint: "use an IP address or a host's name", attribute: name)
        }
        return host
    }

    /// Refuses an attribute, already taken, that is empty or holds control characters.
    func checkSingleLine(_ name: String) {
        guard let text = attribute(name) else { return }
        if text.isEmpty || holdsControlCharacter(text) {
            record(
                "@\(name) of <\(self.name)> is empty or holds a control character",
                hint: "give it in printable characters", attribute: name)
        }
    }
}

private let pathHint = "give an absolute path in printable characters"

private func pathFault(_ path: String) -> String? {
    guard path.utf8.first == UInt8(ascii: "/") else { return "is not an absolute path: '\(excerpt(path))'" }
    if holdsControlCharacter(path) { return "holds a control character: '\(excerpt(path))'" }
    return path.utf8.count > 4095 ? "is longer than 4095 bytes" : nil
}

/// C0, DEL and C1: what no terminal, log or schema wants in a name.
func holdsControlCharacter(_ text: String) -> Bool {
    var previous: UInt8 = 0
    for byte in text.utf8 {
        if byte < 0x20 || byte == 0x7F || (previous == 0xC2 && byte < 0xA0) { return true }
        previous = byte
    }
    return false
}
