/// Reads one element, and keeps account of what was taken from it.
///
/// Attributes and children that no reader takes are refused at the end, with their place. A value that cannot be
/// understood is recorded and read as `nil`, so that one pass tells all that is wrong; only what makes it impossible
/// to go on is thrown. The value is thrown away anyway when anything was recorded.
public struct ElementReader {
    private let session: ReadSession
    private let node: Int

    init(session: ReadSession, node: Int) {
        self.session = session
        self.node = node
    }

    /// Parses a document, reads its root element, and refuses what was not taken.
    ///
    /// - Parameters:
    ///   - root: the name that the root element must have.
    ///   - hints: what would work instead of elements and attributes that are known to be refused.
    public static func read<Value>(
        _ bytes: [UInt8], file: String, root: String, hints: RefusalHints,
        _ body: (ElementReader) throws(LodgeError) -> Value
    ) throws(LodgeError) -> Value {
        let document = try XMLDocument.parse(bytes, file: file)
        let session = ReadSession(document: document, hints: hints)
        let reader = ElementReader(session: session, node: 0)
        guard reader.name == root else {
            throw LodgeError(
                .invalidXML, "the root element is <\(document.writtenName(of: 0))>, not <\(root)>",
                at: reader.location, hint: "give a file whose root element is <\(root)>")
        }
        session.take(node: 0)
        var value: Value?
        do {
            value = try body(reader)
        } catch {
            session.record(error, at: reader.start)
            session.settle(node: 0)
        }
        try session.finish()
        guard let value else { throw LodgeError(.invalidXML, "the document has no content", at: reader.location) }
        return value
    }

    private var element: XMLDocument.Node { session.document.nodes[node] }
    private var start: Int { Int(element.start) }

    public var name: String { element.name }
    public var location: SourceLocation { session.location(of: start) }

    // MARK: Attributes

    /// Takes an attribute.
    public func attribute(_ name: String) -> String? {
        guard let index = find(name) else { return nil }
        session.take(attribute: index)
        return session.document.attributes[index].value
    }

    /// Whether there is such an attribute; takes nothing.
    public func hasAttribute(_ name: String) -> Bool { find(name) != nil }

    /// Whether there is anything in the element: an attribute, a child or text.
    public var hasContent: Bool { element.attributeCount > 0 || element.firstChild >= 0 || !element.text.isEmpty }

    /// Takes an attribute; a text that is not a `Value` is recorded, and `nil` returned.
    public func attribute<Value: XMLValue>(_ name: String, as type: Value.Type = Value.self) -> Value? {
        guard let text = attribute(name) else { return nil }
        if let value = Value(xmlText: text) { return value }
        recordInvalid(text, "@\(name)", expected: Value.expectation, hint: Value.refused[text], attribute: name)
        return nil
    }

    /// Takes a number that must lie in a range.
    public func attribute<Value: XMLValue & FixedWidthInteger>(
        _ name: String, in range: ClosedRange<Value>
    ) -> Value? {
        guard let text = attribute(name) else { return nil }
        if let value = Value(xmlText: text), range.contains(value) { return value }
        recordInvalid(
            text, "@\(name)", expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            attribute: name)
        return nil
    }

    /// Takes an attribute that must be there.
    public func required(_ name: String) throws(LodgeError) -> String {
        guard let text = attribute(name) else { throw missing(name) }
        return text
    }

    /// Takes an attribute that must be there and understood.
    public func required<Value: XMLValue>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(LodgeError) -> Value {
        guard let text = attribute(name) else { throw missing(name) }
        guard let value = Value(xmlText: text) else {
            throw invalid(text, "@\(name)", expected: Value.expectation, hint: Value.refused[text], attribute: name)
        }
        return value
    }

    public func yesNo(_ name: String) -> Bool? { attribute(name, as: YesNo.self).map { $0 == .yes } }
    public func onOff(_ name: String) -> Bool? { attribute(name, as: OnOff.self).map { $0 == .on } }

    // MARK: Text

    /// Takes the element's text, as it is.
    public func text() -> String {
        session.takeText(node: node)
        return element.text
    }

    /// Takes the element's text without blanks around it; one that is not a `Value` is recorded.
    public func text<Value: XMLValue>(as type: Value.Type = Value.self) -> Value? {
        let text = trimmed(text())
        if let value = Value(xmlText: text) { return value }
        recordInvalid(text, "text", expected: Value.expectation, hint: Value.refused[text])
        return nil
    }

    /// Takes the element's text, which must be there and understood.
    public func requiredText<Value: XMLValue>(as type: Value.Type = Value.self) throws(LodgeError) -> Value {
        let text = trimmed(text())
        guard let value = Value(xmlText: text) else {
            throw invalid(text, "text", expected: Value.expectation, hint: Value.refused[text])
        }
        return value
    }

    // MARK: Children

    /// Takes the only child of this name; a second one is recorded.
    public func child(_ name: String) -> ElementReader? {
        var found: ElementReader?
        for child in elements where child.name == name {
            if found == nil {
                found = child
                child.take()
            } else {
                child.refuse("a second <\(name)> in <\(self.name)>", code: .invalidXML, hint: "keep one of them")
            }
        }
        return found
    }

    /// Takes the only child of this name and reads it; what it throws is recorded.
    public func child<Value>(
        _ name: String, _ read: (ElementReader) throws(LodgeError) -> Value?
    ) -> Value? {
        guard let child = child(name) else { return nil }
        return child.collect(read)
    }

    /// Takes the only child of this name and its text.
    public func childText(_ name: String) -> String? { child(name)?.text() }

    /// Takes the only child of this name and its text as a value.
    public func childText<Value: XMLValue>(_ name: String, as type: Value.Type) -> Value? {
        child(name)?.text(as: type)
    }

    /// Takes an empty element that says something by being there.
    public func flag(_ name: String) -> Bool { child(name) != nil }

    /// Takes all children of this name and reads them; what they throw is recorded.
    public func children<Value>(
        _ name: String, _ read: (ElementReader) throws(LodgeError) -> Value
    ) -> [Value] {
        var values: [Value] = []
        for child in elements where child.name == name {
            child.take()
            if let value = child.collect(read) { values.append(value) }
        }
        return values
    }

    /// The children in their order, none of them taken.
    public var elements: Elements { Elements(session: session, upcoming: element.firstChild) }

    public struct Elements: Sequence, IteratorProtocol {
        fileprivate let session: ReadSession
        fileprivate var upcoming: Int32

        public mutating func next() -> ElementReader? {
            guard upcoming >= 0 else { return nil }
            let reader = ElementReader(session: session, node: Int(upcoming))
            upcoming = session.document.nodes[Int(upcoming)].nextSibling
            return reader
        }
    }

    /// Marks the element itself as taken, for those who walk over ``elements``.
    public func take() { session.take(node: node) }

    /// Accepts the element with all it contains, for what is kept as it is or is output of libvirt's only.
    public func settle() { session.settle(node: node) }

    /// Runs a reading of this element; what it throws is recorded, and the rest of the element left alone.
    public func collect<Value>(_ read: (ElementReader) throws(LodgeError) -> Value?) -> Value? {
        do {
            return try read(self)
        } catch {
            session.record(error, at: start)
            session.settle(node: node)
            return nil
        }
    }

    // MARK: Kept as written

    /// What stands between the tags, byte for byte but for line ends, and the namespace prefixes it uses.
    func verbatim() -> (content: String, namespaces: [XMLNamespace]) {
        session.takeText(node: node)
        for element in elements { element.settle() }
        let document = session.document
        guard let inner = document.innerSource(of: node) else { return ("", []) }
        // What the ancestors bind, the nearest first.
        var bound: [String: String] = [:]
        var ancestor = Int32(node)
        while ancestor >= 0 {
            for binding in document.bindings where binding.node == ancestor && bound[binding.prefix] == nil {
                bound[binding.prefix] = binding.uri
            }
            ancestor = document.nodes[Int(ancestor)].parent
        }
        let used = bound.isEmpty ? [] : prefixes(in: inner)
        let namespaces = bound.filter { used.contains($0.key) }.map { XMLNamespace(prefix: $0.key, uri: $0.value) }
        return (
            String(decoding: inner, as: UTF8.self).normalizingLineEnds, namespaces.sorted { $0.prefix < $1.prefix }
        )
    }

    /// Whatever stands before a colon: all prefixes of names, and some words that are none.
    private func prefixes(in source: ArraySlice<UInt8>) -> Set<String> {
        var found: Set<String> = []
        var start = source.startIndex
        for (index, byte) in zip(source.indices, source) {
            if byte == UInt8(ascii: ":") { found.insert(String(decoding: source[start..<index], as: UTF8.self)) }
            let isName =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
                    0x80...:
                    true
                default: false
                }
            if !isName { start = index + 1 }
        }
        return found
    }

    // MARK: Refusing

    /// An error at this element, to be thrown: reading it cannot go on.
    public func error(
        _ message: String, code: LodgeError.Code = .invalidXML, hint: String? = nil, attribute: String? = nil
    ) -> LodgeError {
        LodgeError(code, message, at: session.location(of: offset(of: attribute)), hint: hint)
    }

    /// Records an error at this element or one of its attributes, and settles nothing: reading goes on.
    public func record(
        _ message: String, code: LodgeError.Code = .invalidXML, hint: String? = nil, attribute: String? = nil
    ) {
        session.record(
            error(message, code: code, hint: hint, attribute: attribute), at: offset(of: attribute))
    }

    /// Refuses the whole element.
    public func refuse(_ message: String, code: LodgeError.Code = .unsupported, hint: String?) {
        record(message, code: code, hint: hint)
        session.settle(node: node)
    }

    private func recordInvalid(
        _ text: String, _ what: String, expected: String, hint: String? = nil, attribute: String? = nil
    ) {
        session.record(
            invalid(text, what, expected: expected, hint: hint, attribute: attribute), at: offset(of: attribute))
    }

    private func invalid(
        _ text: String, _ what: String, expected: String, hint: String? = nil, attribute: String? = nil
    ) -> LodgeError {
        if let hint {
            return error(
                "'\(excerpt(text))' as \(what) of <\(name)> is not supported", code: .unsupported, hint: hint,
                attribute: attribute)
        }
        return error(
            "'\(excerpt(text))' as \(what) of <\(name)> is not \(expected)", attribute: attribute)
    }

    private func missing(_ attribute: String) -> LodgeError {
        error("<\(name)> has no attribute '\(attribute)'", hint: "add \(attribute)='…'")
    }

    private func offset(of attribute: String?) -> Int {
        guard let attribute, let index = find(attribute) else { return start }
        return session.document.offset(ofAttribute: index, of: node)
    }

    private func find(_ name: String) -> Int? {
        let first = Int(element.firstAttribute)
        for index in first..<first + Int(element.attributeCount) where session.document.attributes[index].name == name {
            return index
        }
        return nil
    }
}

/// A namespace prefix and what it stands for.
public struct XMLNamespace: Sendable, Hashable {
    public var prefix: String
    public var uri: String

    public init(prefix: String, uri: String) {
        self.prefix = prefix
        self.uri = uri
    }
}

private func trimmed(_ text: String) -> String {
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last, TagScanner.isSpace(first) || TagScanner.isSpace(last)
    else { return text }
    guard let start = bytes.firstIndex(where: { !TagScanner.isSpace($0) }),
        let end = bytes.lastIndex(where: { !TagScanner.isSpace($0) })
    else { return "" }
    return String(text[start...end])
}

extension String {
    /// Line ends as XML processors pass them on: CR LF and a lone CR become LF.
    var normalizingLineEnds: String {
        guard utf8.contains(UInt8(ascii: "\r")) else { return self }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(utf8.count)
        var previous: UInt8 = 0
        for byte in utf8 {
            if byte == UInt8(ascii: "\r") {
                bytes.append(UInt8(ascii: "\n"))
            } else if byte != UInt8(ascii: "\n") || previous != UInt8(ascii: "\r") {
                bytes.append(byte)
            }
            previous = byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
