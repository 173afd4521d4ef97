/// Writes XML as libvirt's `dumpxml` lays it out: two spaces a level, single quotes, empty elements closed at once.
///
/// Text is data: what is markup in XML is escaped, so nothing written can end its element or attribute.
public struct XMLWriter {
    private var bytes: [UInt8] = []
    private var depth = 0
    /// The start tag of the innermost element has not got its `>` yet.
    private var tagIsOpen = false
    /// The innermost element has text, so its end tag goes on the same line.
    private var hasText = false

    public init() { bytes.reserveCapacity(4096) }

    public consuming func finish() -> String { String(decoding: bytes, as: UTF8.self) }

    /// Writes an element; attributes, text and children are written by `content`, attributes first.
    public mutating func element(_ name: String, _ content: (inout XMLWriter) -> Void) {
        begin(name)
        content(&self)
        end(name)
    }

    /// Writes an empty element.
    public mutating func element(_ name: String) { element(name) { _ in } }

    /// Writes an element with nothing but text; nothing at all when there is no text.
    public mutating func element(_ name: String, text: String?) {
        guard let text else { return }
        element(name) { $0.text(text) }
    }

    /// Writes an element with nothing but one attribute; nothing at all when there is no value.
    public mutating func element<Value: XMLValue>(_ name: String, _ attribute: String, _ value: Value?) {
        guard let value else { return }
        element(name) { $0.attribute(attribute, value) }
    }

    /// Writes an empty element when the flag is set.
    public mutating func flag(_ name: String, _ isSet: Bool) {
        if isSet { element(name) }
    }

    /// Writes an attribute of the element just begun, unless it has no value.
    public mutating func attribute<Value: XMLValue>(_ name: String, _ value: Value?) {
        guard let value else { return }
        raw(" ")
        raw(name)
        raw("='")
        escape(value.xmlText, inAttribute: true)
        raw("'")
    }

    public mutating func attribute(_ name: String, yesNo value: Bool?) {
        attribute(name, value.map { $0 ? YesNo.yes : .no })
    }

    public mutating func attribute(_ name: String, onOff value: Bool?) {
        attribute(name, value.map { $0 ? OnOff.on : .off })
    }

    /// Writes the element's text.
    public mutating func text(_ text: String) {
        guard !text.isEmpty else { return }
        closeTag()
        hasText = true
        escape(text, inAttribute: false)
    }

    /// Writes XML that was read and kept as it was.
    mutating func verbatim(_ content: String) {
        guard !content.isEmpty else { return }
        closeTag()
        hasText = true
        raw(content)
    }

    // MARK: Layout

    private mutating func begin(_ name: String) {
        closeTag()
        if !hasText {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "\n")) }
            for _ in 0..<depth { raw("  ") }
        }
        raw("<")
        raw(name)
        tagIsOpen = true
        hasText = false
        depth += 1
    }

    private mutating func end(_ name: String) {
        depth -= 1
        if tagIsOpen {
            raw("/>")
            tagIsOpen = false
        } else {
            if !hasText {
                bytes.append(UInt8(ascii: "\n"))
                for _ in 0..<depth { raw("  ") }
            }
            raw("</")
            raw(name)
            raw(">")
        }
        hasText = false
        if depth == 0 { bytes.append(UInt8(ascii: "\n")) }
    }

    private mutating func closeTag() {
        if tagIsOpen { raw(">") }
        tagIsOpen = false
    }

    private mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func escape(_ text: String, inAttribute: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): raw("&amp;")
            case UInt8(ascii: "<"): raw("&lt;")
            case UInt8(ascii: ">"): raw("&gt;")
            case UInt8(ascii: "'") where inAttribute: raw("&apos;")
            // Unescaped, the reader would turn these into blanks or line feeds.
            case UInt8(ascii: "\r"): raw("&#13;")
            case UInt8(ascii: "\n") where inAttribute: raw("&#10;")
            case UInt8(ascii: "\t") where inAttribute: raw("&#9;")
            default: bytes.append(byte)
            }
        }
    }
}
