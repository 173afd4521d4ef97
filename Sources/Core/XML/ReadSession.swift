/// What would work instead of an element or attribute that is refused: by `parent/child` or `element@attribute`.
public typealias RefusalHints = [String: String]

/// One reading of a document: what has been taken so far, and what was wrong.
///
/// Readers mark what they take. What is left at the end was understood by nobody and is refused, so nothing that
/// stands in a definition can be dropped without a word.
final class ReadSession {
    private struct Finding {
        var offset: Int
        var error: LodgeError
    }

    private struct Marks: OptionSet {
        let rawValue: UInt8
        static let taken = Marks(rawValue: 1)
        static let textTaken = Marks(rawValue: 2)
        /// The subtree needs no account: it was refused as a whole, or is kept as it is.
        static let settled = Marks(rawValue: 4)
    }

    /// Beyond this many refusals only their number is told.
    private static let shown = 50

    let document: XMLDocument
    private let hints: RefusalHints
    private var marks: [Marks]
    private var attributeIsTaken: [Bool]
    private var findings: [Finding] = []
    private lazy var places = PlaceIndex(document.source)

    init(document: XMLDocument, hints: RefusalHints) {
        self.document = document
        self.hints = hints
        marks = Array(repeating: [], count: document.nodes.count)
        attributeIsTaken = Array(repeating: false, count: document.attributes.count)
    }

    func take(node: Int) { marks[node].insert(.taken) }
    func takeText(node: Int) { marks[node].insert(.textTaken) }
    func settle(node: Int) { marks[node].formUnion([.taken, .settled]) }
    func take(attribute: Int) { attributeIsTaken[attribute] = true }

    func record(_ error: LodgeError, at offset: Int) { findings.append(Finding(offset: offset, error: error)) }

    func location(of offset: Int) -> SourceLocation { places.location(of: offset, in: document) }

    /// Refuses what nobody took, and throws everything found as one error, in the order of the document.
    func finish() throws(LodgeError) {
        refuseLeftovers()
        guard !findings.isEmpty else { return }
        findings.sort { $0.offset < $1.offset }
        let errors = findings.prefix(Self.shown).map { finding in
            var error = finding.error
            // A thrown error may name an attribute inside the element that it was recorded at.
            error.location = error.location ?? location(of: finding.offset)
            return error
        }
        var first = errors[0]
        first.others += errors.dropFirst()
        if findings.count > Self.shown {
            first.others.append(
                LodgeError(first.code, "and \(findings.count - Self.shown) more of this kind in '\(document.file)'"))
        }
        throw first
    }

    private func refuseLeftovers() {
        // Parents stand before their children, so one pass hands "settled" down.
        for index in document.nodes.indices {
            let node = document.nodes[index]
            if node.parent >= 0, marks[Int(node.parent)].contains(.settled) {
                settle(node: index)
                continue
            }
            if marks[index].contains(.settled) { continue }
            guard marks[index].contains(.taken) else {
                refuseElement(index)
                settle(node: index)
                continue
            }
            if !node.text.isEmpty, !marks[index].contains(.textTaken), !node.text.utf8.allSatisfy(TagScanner.isSpace) {
                record(
                    LodgeError(
                        .invalidXML, "<\(node.name)> takes no text, but has '\(excerpt(node.text))'"),
                    at: Int(node.start))
            }
            let range = Int(node.firstAttribute)..<Int(node.firstAttribute + node.attributeCount)
            let leftovers = range.filter { !attributeIsTaken[$0] }
            if leftovers.isEmpty { continue }
            let offsets = document.attributeOffsets(of: index)
            for attribute in leftovers {
                let place = attribute - range.lowerBound
                refuseAttribute(
                    attribute, of: node, at: offsets.indices.contains(place) ? offsets[place] : Int(node.start))
            }
        }
    }

    private func refuseElement(_ index: Int) {
        let node = document.nodes[index]
        let parent = node.parent >= 0 ? XMLDocument.localName(document.nodes[Int(node.parent)].name) : ""
        let name = XMLDocument.localName(node.name)
        let foreign = node.name.contains(XMLDocument.separator)
        let hint =
            hints["\(parent)/\(foreign ? document.writtenName(of: index) : name)"]
            ?? (foreign
                ? "elements of other namespaces belong in <metadata>"
                : "remove it, or see docs/compatibility.md for what <\(parent)> can hold")
        let what = foreign ? document.writtenName(of: index) : name
        record(
            LodgeError(
                .unsupported,
                parent.isEmpty ? "<\(what)> is not supported" : "<\(what)> in <\(parent)> is not supported", hint: hint),
            at: Int(node.start))
    }

    private func refuseAttribute(_ attribute: Int, of node: XMLDocument.Node, at offset: Int) {
        let element = node.name
        let name = XMLDocument.localName(document.attributes[attribute].name)
        record(
            LodgeError(
                .unsupported, "attribute '\(name)' of <\(element)> is not supported",
                hint: hints["\(element)@\(name)"]
                    ?? "remove it, or see docs/compatibility.md for what <\(element)> can hold"),
            at: offset)
    }
}

/// Line and column at every 512th byte, so that a document full of faults is not read from its start for each of them.
private struct PlaceIndex {
    private static let step = 512
    private var places: [(line: Int, column: Int)] = [(1, 1)]

    init(_ source: [UInt8]) {
        var line = 1
        var column = 1
        for (index, byte) in source.enumerated() {
            if index > 0, index.isMultiple(of: Self.step) { places.append((line, column)) }
            XMLDocument.advance(&line, &column, over: byte)
        }
    }

    func location(of offset: Int, in document: XMLDocument) -> SourceLocation {
        let index = min(max(0, offset) / Self.step, places.count - 1)
        var (line, column) = places[index]
        let start = index * Self.step
        for byte in document.source.dropFirst(start).prefix(max(0, offset - start)) {
            XMLDocument.advance(&line, &column, over: byte)
        }
        return SourceLocation(file: document.file, line: line, column: column)
    }
}

/// The beginning of a text of unknown length and content, fit for one line of an error message.
func excerpt(_ text: String) -> String {
    let start = text.unicodeScalars.prefix(60)
    let line = start.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : String($0) }.joined()
    return start.endIndex == text.unicodeScalars.endIndex ? line : line + "…"
}
