import Testing

@testable import LodgeCore

@Suite struct XMLDocumentTests {
    private func parse(_ text: String) throws(LodgeError) -> XMLDocument {
        try XMLDocument.parse(Array(text.utf8), file: "t.xml")
    }

    private func failure(_ bytes: [UInt8]) -> LodgeError? {
        do {
            _ = try XMLDocument.parse(bytes, file: "t.xml")
            return nil
        } catch {
            return error
        }
    }

    private func failure(_ text: String) -> LodgeError? { failure(Array(text.utf8)) }

    @Test func textKeepsWhatIsSaidAndDropsLayout() throws {
        let document = try parse("<a>\n  <b> x &amp; y </b>\n  <c>  </c><d><![CDATA[<]]></d>\n</a>")
        #expect(document.nodes.map(\.text) == ["", " x & y ", "  ", "<"])
    }

    @Test func elementsKnowTheirLineAndColumn() throws {
        let document = try parse("<a>\n  <ü é='1'/> <b/>\n</a>")
        #expect(
            document.nodes.map { document.location(of: Int($0.start)).description } == [
                "t.xml:1:1", "t.xml:2:3", "t.xml:2:14",
            ])
        #expect(document.location(of: document.offset(ofAttribute: 0, of: 1)).description == "t.xml:2:6")
    }

    @Test func attributesAreFoundBehindQuotesAndAcrossLines() throws {
        let document = try parse("<a one=\"b='>'\"\n   two = '\"x\"'\n\tthree='3' xmlns:p='urn:p' p:four='4'/>")
        let places = document.attributes.indices.map {
            document.location(of: document.offset(ofAttribute: $0, of: 0)).description
        }
        #expect(places == ["t.xml:1:4", "t.xml:2:4", "t.xml:3:2", "t.xml:3:28"])
    }

    @Test(arguments: [
        ("", "t.xml:1:1: the document is empty"),
        (" \n ", "t.xml:1:1: the document is empty"),
        ("<a>", "t.xml:1:4: not well-formed XML: no element found"),
        ("<a>\n <b></a>", "t.xml:2:7: not well-formed XML: mismatched tag"),
        ("<a/><b/>", "t.xml:1:5: not well-formed XML: junk after document element"),
        ("<a b='1' b='2'/>", "t.xml:1:10: not well-formed XML: duplicate attribute"),
        ("<a b=1/>", "t.xml:1:6: not well-formed XML: not well-formed (invalid token)"),
        ("<p:a/>", "t.xml:1:1: not well-formed XML: unbound prefix"),
        ("<a>&nbsp;</a>", "t.xml:1:4: not well-formed XML: undefined entity"),
        ("<a>&#0;</a>", "t.xml:1:4: not well-formed XML: reference to invalid character number"),
        ("<a>\n\u{1}</a>", "t.xml:2:1: the control character 1, which XML cannot hold"),
        ("<a>x\u{0}</a>", "t.xml:1:5: a NUL byte"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "t.xml:1:1: the encoding 'ISO-8859-1' is not accepted"),
        ("<!DOCTYPE a><a/>", "t.xml:1:10: a document type declaration (<!DOCTYPE>) is not accepted"),
        (
            "<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>",
            "t.xml:1:10: a document type declaration (<!DOCTYPE>) is not accepted"
        ),
        (
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "t.xml:1:10: a document type declaration (<!DOCTYPE>) is not accepted"
        ),
    ])
    func refusals(_ text: String, _ message: String) throws {
        let error = try #require(failure(text))
        let line = error.description.split(separator: "\n").first.map(String.init)
        // Where expat points inside a DOCTYPE is its own affair.
        if text.contains("DOCTYPE") {
            #expect(line?.hasSuffix(message.split(separator: " ", maxSplits: 1)[1]) == true)
        } else {
            #expect(line == message)
        }
        #expect(error.code == .invalidXML)
    }

    @Test func bytesThatAreNotUTF8() throws {
        let error = try #require(failure(Array("<a>\n  ä".utf8) + [0xC3, 0x28] + Array("</a>".utf8)))
        #expect(error.description.hasPrefix("t.xml:2:4: bytes that are not UTF-8"))
        let utf16 = try #require(failure([0xFF, 0xFE, 0x3C, 0, 0x61, 0, 0x2F, 0, 0x3E, 0]))
        #expect(utf16.message == "the document is UTF-16")
    }

    @Test func byteOrderMarkIsAccepted() throws {
        #expect(try XMLDocument.parse([0xEF, 0xBB, 0xBF] + Array("<a/>".utf8), file: "t").nodes.count == 1)
    }

    @Test func limits() throws {
        let deep = { String(repeating: "<a>", count: $0) + String(repeating: "</a>", count: $0) }
        #expect(failure(deep(64)) == nil)
        #expect(failure(deep(65))?.message == "elements are nested deeper than 64")
        #expect(failure(deep(1_000_000))?.message == "elements are nested deeper than 64")

        let wide = { "<a>" + String(repeating: "<b/>", count: $0) + "</a>" }
        #expect(failure(wide(99_999)) == nil)
        #expect(failure(wide(100_000))?.message == "more than 100000 elements and attributes")

        let attributes = "<a " + (0..<100_000).map { "a\($0)=''" }.joined(separator: " ") + "/>"
        #expect(failure(attributes)?.message == "more than 100000 elements and attributes")

        let large = "<a>" + String(repeating: "x", count: 16 << 20) + "</a>"
        #expect(failure(large)?.message == "the document has 16777223 bytes; at most 16777216 are read")
    }
}
