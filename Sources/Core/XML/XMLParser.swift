import CExpat

extension XMLDocument {
    /// Parses a whole document.
    ///
    /// UTF-8 only, and no document type of any kind: without one there are no entities to expand and no files to fetch.
    ///
    /// - Throws: `invalidXML` with line and column when the text is not well formed or breaks one of the ``Limits``.
    public static func parse(_ bytes: [UInt8], file: String) throws(LodgeError) -> XMLDocument {
        guard bytes.count <= Limits.bytes else {
            throw LodgeError(
                .invalidXML, "the document has \(bytes.count) bytes; at most \(Limits.bytes) are read",
                at: SourceLocation(file: file, line: 1, column: 1))
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            // expat would follow the byte order mark, whatever encoding it was told.
            throw LodgeError(
                .invalidXML, "the document is UTF-16", at: SourceLocation(file: file, line: 1, column: 1),
                hint: "save the file as UTF-8")
        }
        guard let builder = XMLTreeBuilder(source: bytes, file: file) else {
            throw LodgeError(.system, "no memory for an XML parser")
        }
        return try builder.parse()
    }
}

/// Receives expat's callbacks. Lives on one thread for the length of one parse.
///
/// The parser is made in `init`, freed in `deinit`, and never leaves this class.
@safe private final class XMLTreeBuilder {
    private let source: [UInt8]
    private let file: String
    private let parser: XML_Parser
    private var nodes: [XMLDocument.Node] = []
    private var attributes: [XMLDocument.Attribute] = []
    private var bindings: [XMLDocument.Binding] = []
    private var current: Int32 = -1
    private var depth = 0
    /// Character data since the last tag.
    private var text: [UInt8] = []
    private var textIsBlank = true
    private var failure: LodgeError?

    init?(source: [UInt8], file: String) {
        // The encoding is given, so that a declaration cannot switch to another one behind the position arithmetic.
        guard let parser = unsafe XML_ParserCreateNS("UTF-8", 1) else { return nil }
        unsafe self.parser = parser
        self.source = source
        self.file = file
        // About what a definition has; a large text may just as well be one element.
        let guess = min(source.count / 40, 1000)
        nodes.reserveCapacity(guess)
        attributes.reserveCapacity(guess)
    }

    deinit { unsafe XML_ParserFree(parser) }

    func parse() throws(LodgeError) -> XMLDocument {
        unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
        unsafe XML_SetElementHandler(
            parser, { unsafe builder($0)?.start($1, $2) }, { context, _ in unsafe builder(context)?.end() })
        unsafe XML_SetCharacterDataHandler(parser) { unsafe builder($0)?.characters($1, $2) }
        unsafe XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in unsafe builder(context)?.doctype() }
        unsafe XML_SetXmlDeclHandler(parser) { context, _, encoding, _ in
            unsafe builder(context)?.declaration(encoding)
        }
        unsafe XML_SetStartNamespaceDeclHandler(parser) { unsafe builder($0)?.bind($1, $2) }

        let status = unsafe source.withUnsafeBytes { buffer in
            unsafe XML_Parse(parser, buffer.bindMemory(to: CChar.self).baseAddress, CInt(buffer.count), 1)
        }
        if let failure { throw failure }
        guard status == XML_STATUS_OK, !nodes.isEmpty else { throw syntaxError() }
        return XMLDocument(file: file, source: source, nodes: nodes, attributes: attributes, bindings: bindings)
    }

    // MARK: Callbacks

    func start(_ name: UnsafePointer<CChar>?, _ pairs: UnsafeMutablePointer<UnsafePointer<CChar>?>?) {
        guard failure == nil, let name = unsafe name else { return }
        flushText(closing: false)
        depth += 1
        if depth > XMLDocument.Limits.depth {
            return stop("elements are nested deeper than \(XMLDocument.Limits.depth)")
        }
        let index = Int32(nodes.count)
        var node = XMLDocument.Node(
            name: unsafe String(cString: name), start: Int32(offset), parent: current,
            firstAttribute: Int32(attributes.count), attributeCount: 0)
        var pair = unsafe pairs
        while let key = unsafe pair?.pointee, let value = unsafe pair?.successor().pointee {
            if attributes.count + nodes.count >= XMLDocument.Limits.nodes { return stopForSize() }
            unsafe attributes.append(.init(name: String(cString: key), value: String(cString: value)))
            unsafe pair = unsafe pair?.advanced(by: 2)
            node.attributeCount += 1
        }
        if attributes.count + nodes.count >= XMLDocument.Limits.nodes { return stopForSize() }
        nodes.append(node)
        if current >= 0 {
            let last = nodes[Int(current)].lastChild
            if last >= 0 {
                nodes[Int(last)].nextSibling = index
            } else {
                nodes[Int(current)].firstChild = index
            }
            nodes[Int(current)].lastChild = index
        }
        current = index
    }

    func end() {
        guard failure == nil, current >= 0 else { return }
        flushText(closing: true)
        depth -= 1
        nodes[Int(current)].end = Int32(offset)
        current = nodes[Int(current)].parent
    }

    func characters(_ bytes: UnsafePointer<CChar>?, _ count: CInt) {
        guard failure == nil, count > 0 else { return }
        unsafe UnsafeRawBufferPointer(start: bytes, count: Int(count)).withMemoryRebound(to: UInt8.self) { piece in
            if textIsBlank { textIsBlank = unsafe piece.allSatisfy(TagScanner.isSpace) }
            unsafe text.append(contentsOf: piece)
        }
    }

    func doctype() {
        stop(
            "a document type declaration (<!DOCTYPE>) is not accepted",
            hint: "remove it; libvirt's formats need none, and entities are not expanded")
    }

    func declaration(_ encoding: UnsafePointer<CChar>?) {
        guard let encoding = unsafe encoding else { return }
        let name = unsafe String(cString: encoding)
        guard ["utf-8", "us-ascii", "ascii"].contains(name.lowercased()) else {
            return stop("the encoding '\(name)' is not accepted", hint: "save the file as UTF-8")
        }
    }

    func bind(_ prefix: UnsafePointer<CChar>?, _ uri: UnsafePointer<CChar>?) {
        guard let prefix = unsafe prefix, let uri = unsafe uri else { return }
        if bindings.count >= XMLDocument.Limits.bindings {
            return stop("more than \(XMLDocument.Limits.bindings) namespace prefixes")
        }
        // Announced before the start tag it stands in.
        unsafe bindings.append(
            .init(node: Int32(nodes.count), prefix: String(cString: prefix), uri: String(cString: uri)))
    }

    // MARK: Helpers

    private var offset: Int { unsafe Int(XML_GetCurrentByteIndex(parser)) }

    /// Gives the collected text to the element it stands in; blanks between elements are layout.
    private func flushText(closing: Bool) {
        guard !text.isEmpty else { return }
        if current >= 0 {
            let index = Int(current)
            if !textIsBlank || (closing && nodes[index].firstChild < 0) {
                nodes[index].text += String(decoding: text, as: UTF8.self)
            }
        }
        text.removeAll(keepingCapacity: true)
        textIsBlank = true
    }

    private func stop(_ message: String, hint: String? = nil) {
        if failure == nil { failure = error(message, at: offset, hint: hint) }
        unsafe XML_StopParser(parser, 0)
    }

    private func stopForSize() {
        stop("more than \(XMLDocument.Limits.nodes) elements and attributes")
    }

    private func error(_ message: String, at offset: Int, hint: String? = nil) -> LodgeError {
        LodgeError(
            .invalidXML, message, at: XMLDocument.location(of: offset, in: source, file: file), hint: hint)
    }

    /// expat says "invalid token" for several things that deserve their own words.
    private func syntaxError() -> LodgeError {
        let at = max(0, offset)
        if source.allSatisfy(TagScanner.isSpace) {
            return error("the document is empty", at: 0)
        }
        if let nul = source.firstIndex(of: 0), nul <= at + 1 {
            return error("a NUL byte", at: nul, hint: "save the file as UTF-8 text")
        }
        if let bad = source.firstInvalidUTF8, bad <= at + 4 {
            return error("bytes that are not UTF-8", at: bad, hint: "save the file as UTF-8")
        }
        if source.indices.contains(at), source[at] < 0x20, !TagScanner.isSpace(source[at]) {
            return error("the control character \(source[at]), which XML cannot hold", at: at)
        }
        let words = unsafe XML_ErrorString(XML_GetErrorCode(parser)).map { unsafe String(cString: $0) }
        return error("not well-formed XML: \(words ?? "unknown error")", at: at)
    }
}

private func builder(_ context: UnsafeMutableRawPointer?) -> XMLTreeBuilder? {
    guard let context = unsafe context else { return nil }
    return unsafe Unmanaged<XMLTreeBuilder>.fromOpaque(context).takeUnretainedValue()
}

extension [UInt8] {
    /// Offset of the first byte that is not part of a well-formed UTF-8 sequence.
    var firstInvalidUTF8: Int? {
        var decoder = Unicode.UTF8.ForwardParser()
        var input = makeIterator()
        var position = 0
        while true {
            switch decoder.parseScalar(from: &input) {
            case .valid(let scalar): position += scalar.count
            case .error: return position
            case .emptyInput: return nil
            }
        }
    }
}
