/// A parsed XML text: a tree in flat arrays that remembers where everything stood.
///
/// Positions are byte offsets until somebody asks for line and column, which happens only when something is refused.
public final class XMLDocument: Sendable {
    /// Bounds that are checked while parsing, before memory is spent.
    public enum Limits {
        /// Bytes of a document.
        public static let bytes = 16 << 20
        /// Elements within one another.
        public static let depth = 64
        /// Elements and attributes together.
        public static let nodes = 100_000
        /// Namespace prefixes bound.
        public static let bindings = 1000
    }

    /// One element. `-1` stands for "none" in the links.
    struct Node: Sendable {
        /// The local name, or `uri U+0001 local` for an element of a namespace.
        var name: String
        /// Character data; white space between child elements is left out.
        var text = ""
        /// Offset of the `<` of the start tag.
        var start: Int32
        /// Offset of the `<` of the end tag; equal to `start` for an empty-element tag.
        var end: Int32 = 0
        var parent: Int32
        var firstChild: Int32 = -1
        var lastChild: Int32 = -1
        var nextSibling: Int32 = -1
        var firstAttribute: Int32
        var attributeCount: Int32
    }

    struct Attribute: Sendable {
        var name: String
        var value: String
    }

    /// A namespace prefix bound by an element.
    struct Binding: Sendable {
        var node: Int32
        var prefix: String
        var uri: String
    }

    /// What an element of a namespace has between its URI and its local name.
    static let separator: Character = "\u{1}"

    public let file: String
    let source: [UInt8]
    let nodes: [Node]
    let attributes: [Attribute]
    let bindings: [Binding]

    init(file: String, source: [UInt8], nodes: [Node], attributes: [Attribute], bindings: [Binding]) {
        self.file = file
        self.source = source
        self.nodes = nodes
        self.attributes = attributes
        self.bindings = bindings
    }
}

// MARK: - Positions

extension XMLDocument {
    /// Line and column of a byte offset, both from 1; the column counts characters (Unicode scalars), not bytes.
    static func location(of offset: Int, in source: [UInt8], file: String) -> SourceLocation {
        var line = 1
        var column = 1
        for byte in source.prefix(max(0, offset)) {
            advance(&line, &column, over: byte)
        }
        return SourceLocation(file: file, line: line, column: column)
    }

    static func advance(_ line: inout Int, _ column: inout Int, over byte: UInt8) {
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 1
        } else if byte & 0xC0 != 0x80 {
            column += 1
        }
    }

    func location(of offset: Int) -> SourceLocation { Self.location(of: offset, in: source, file: file) }

    /// Offset of an attribute's name in its element's start tag; that of the element if it is not found.
    func offset(ofAttribute attribute: Int, of node: Int) -> Int {
        let offsets = attributeOffsets(of: node)
        let index = attribute - Int(nodes[node].firstAttribute)
        return offsets.indices.contains(index) ? offsets[index] : Int(nodes[node].start)
    }

    /// Offsets of the names of an element's attributes, in their order, which is that of ``attributes``.
    func attributeOffsets(of node: Int) -> [Int] {
        var offsets: [Int] = []
        var tag = TagScanner(source: source, position: Int(nodes[node].start))
        while let name = tag.nextAttribute() {
            // Declarations of namespaces are not among the attributes.
            let isDeclaration =
                source[name].elementsEqual("xmlns".utf8) || source[name].starts(with: "xmlns:".utf8)
            if !isDeclaration { offsets.append(name.lowerBound) }
        }
        return offsets
    }

    /// The name as it is written in the source, prefix included.
    func writtenName(of node: Int) -> String {
        var tag = TagScanner(source: source, position: Int(nodes[node].start))
        return String(decoding: source[tag.elementName()], as: UTF8.self)
    }

    /// The part of an expanded name after its namespace.
    static func localName(_ name: String) -> String {
        guard let at = name.lastIndex(of: separator) else { return name }
        return String(name[name.index(after: at)...])
    }

    /// What stands between an element's tags, exactly as written; `nil` for an empty-element tag.
    func innerSource(of node: Int) -> ArraySlice<UInt8>? {
        let start = Int(nodes[node].start)
        let end = Int(nodes[node].end)
        guard end > start else { return nil }
        var tag = TagScanner(source: source, position: start)
        while tag.nextAttribute() != nil {}
        // nextAttribute() stops at the '>'.
        let inner = tag.position + 1
        return inner <= end ? source[inner..<end] : nil
    }
}

/// Walks over a start tag that expat has found well formed. Every step is bounded by the source's end.
struct TagScanner {
    let source: [UInt8]
    var position: Int
    private var nameIsRead = false

    init(source: [UInt8], position: Int) {
        self.source = source
        self.position = position
    }

    mutating func elementName() -> Range<Int> {
        nameIsRead = true
        position += 1
        return name()
    }

    /// The range of the next attribute's name, its value skipped; `nil` at the end of the tag.
    mutating func nextAttribute() -> Range<Int>? {
        if !nameIsRead { _ = elementName() }
        skip { Self.isSpace($0) }
        guard position < source.count, source[position] != UInt8(ascii: ">"), source[position] != UInt8(ascii: "/")
        else { return nil }
        let found = name()
        skip { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "'") }
        guard position < source.count else { return nil }
        let quote = source[position]
        position += 1
        skip { $0 != quote }
        position += 1
        return found
    }

    private mutating func name() -> Range<Int> {
        let start = min(position, source.count)
        skip { !Self.isSpace($0) && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }
        return start..<max(start, min(position, source.count))
    }

    private mutating func skip(while condition: (UInt8) -> Bool) {
        while position < source.count, condition(source[position]) { position += 1 }
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
