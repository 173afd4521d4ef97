/// What other programs keep in a definition: `<metadata>`, not understood and not changed.
public struct MetadataDefinition: Sendable, Hashable {
    /// All between the tags, as it was written.
    public var content: String
    /// What the prefixes in it stand for, where the content itself does not say.
    public var namespaces: [XMLNamespace]

    init?(_ reader: ElementReader) {
        (content, namespaces) = reader.verbatim()
        if content.utf8.allSatisfy(TagScanner.isSpace) { return nil }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("metadata") { writer in
            for namespace in namespaces { writer.attribute("xmlns:" + namespace.prefix, namespace.uri) }
            writer.verbatim(content)
        }
    }
}
