/// The rule for names of domains, networks and whatever else is kept under its name in a directory.
public enum ObjectName {
    /// Bytes of a name: with `.xml` behind it, it still is a file name.
    public static let limit = 240

    /// Why a text is no name, as a sentence about it; `nil` when it is one.
    ///
    /// Names become file names, lines of listings and arguments: no slash, no control characters, no blanks around it,
    /// no dot at the beginning: those are `.`, `..`, and files that are being written.
    public static func fault(in name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > limit { return "is longer than \(limit) bytes" }
        if name.utf8.first == UInt8(ascii: ".") { return "begins with a dot" }
        if name.utf8.contains(UInt8(ascii: "/")) { return "holds a slash" }
        if name.unicodeScalars.contains(where: isControl) { return "holds a control character" }
        for end in [name.unicodeScalars.first, name.unicodeScalars.last] where end?.properties.isWhitespace == true {
            return "begins or ends with a blank"
        }
        return nil
    }

    /// - Throws: `invalidArgument` when the text is no name.
    public static func check(_ name: String, of kind: ObjectKind) throws(LodgeError) {
        guard let fault = fault(in: name) else { return }
        throw LodgeError(
            .invalidArgument, "the \(kind.rawValue) name '\(excerpt(name))' \(fault)", hint: hint)
    }

    /// Controls, and what a terminal or an editor takes for the end of a line.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    static let hint = "use letters, digits, '-', '_' and '.'"

    /// Reads the `<name>` of a definition.
    static func read(_ reader: ElementReader, of kind: ObjectKind) throws(LodgeError) -> String {
        guard let child = reader.child("name") else {
            throw reader.error("<\(reader.name)> has no <name>", hint: "add <name>…</name>")
        }
        let name = child.text()
        if let fault = fault(in: name) {
            child.record("the \(kind.rawValue) name '\(excerpt(name))' \(fault)", hint: hint)
        }
        return name
    }
}
