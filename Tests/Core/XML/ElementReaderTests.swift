import Testing

@testable import LodgeCore

@Suite struct ElementReaderTests {
    private func read<Value>(
        _ text: String, hints: RefusalHints = [:], _ body: (ElementReader) throws(LodgeError) -> Value
    ) throws(LodgeError) -> Value {
        try ElementReader.read(Array(text.utf8), file: "t.xml", root: "a", hints: hints, body)
    }

    private func refusals<Value>(
        _ text: String, hints: RefusalHints = [:], _ body: (ElementReader) throws(LodgeError) -> Value
    ) -> [String] {
        do {
            _ = try read(text, hints: hints, body)
            return []
        } catch {
            return error.description.split(separator: "\n").map(String.init)
        }
    }

    @Test func takenMeansAccepted() throws {
        let value = try read("<a x='7'><b>text</b><c/></a>") { reader throws(LodgeError) in
            (reader.attribute("x", as: Int.self), reader.childText("b"), reader.flag("c"), reader.flag("d"))
        }
        #expect(value == (7, "text", true, false))
    }

    @Test func whatNobodyTookIsRefusedInTheOrderOfTheDocument() {
        let lines = refusals(
            "<a x='1'\n   y='2'>\n  <b z='3'/>\n  <c><d/></c>\n  words\n</a>",
            hints: ["a/c": "use b", "b@z": "leave it"]
        ) { _ = $0.child("b") }
        #expect(
            lines
                == [
                    "t.xml:1:1: <a> takes no text, but has '  words '",
                    "t.xml:1:4: attribute 'x' of <a> is not supported",
                    "hint: remove it, or see docs/compatibility.md for what <a> can hold",
                    "t.xml:2:4: attribute 'y' of <a> is not supported",
                    "hint: remove it, or see docs/compatibility.md for what <a> can hold",
                    "t.xml:3:6: attribute 'z' of <b> is not supported", "hint: leave it",
                    "t.xml:4:3: <c> in <a> is not supported", "hint: use b",
                ].map { $0.replacing("'  words '", with: "'\u{FFFD}  words\u{FFFD}'") })
    }

    @Test func foreignElementsAreRefusedByTheirWrittenName() {
        let lines = refusals(
            "<a xmlns:q='urn:q'><q:b/><c xmlns='urn:c'/></a>", hints: ["a/q:b": "use Lodge's own"]
        ) { _ in }
        #expect(
            lines == [
                "t.xml:1:20: <q:b> in <a> is not supported", "hint: use Lodge's own",
                "t.xml:1:26: <c> in <a> is not supported", "hint: elements of other namespaces belong in <metadata>",
            ])
    }

    @Test func allFaultsAreToldAtOnce() {
        let lines = refusals("<a n='x' m='300'><b/><b/><c/><d>5x</d></a>") { reader throws(LodgeError) in
            _ = reader.attribute("n", as: Int.self)
            _ = reader.attribute("m", in: UInt16(1)...200)
            _ = reader.child("b")
            _ = reader.child("c") { child throws(LodgeError) in try child.required("name") }
            _ = reader.childText("d", as: UInt8.self)
        }
        #expect(
            lines == [
                "t.xml:1:4: 'x' as @n of <a> is not a whole number from \(Int.min) to \(Int.max)",
                "t.xml:1:10: '300' as @m of <a> is not a whole number from 1 to 200",
                "t.xml:1:22: a second <b> in <a>", "hint: keep one of them",
                "t.xml:1:26: <c> has no attribute 'name'", "hint: add name='…'",
                "t.xml:1:30: '5x' as text of <d> is not a whole number from 0 to 255",
            ])
    }

    @Test func numbersAreDigitsOnly() {
        for text in ["+1", " 1", "1 ", "0x1", "1e3", "", "99999999999999999999", "١"] {
            #expect(UInt32(xmlText: text) == nil, "\(text)")
        }
        #expect(Int(xmlText: "-5") == -5)
    }

    @Test func thousandsOfRefusalsStayReadable() {
        let lines = refusals("<a>" + String(repeating: "<b/>", count: 90_000) + "</a>") { _ in }
        #expect(lines.count == 101)
        #expect(lines.last == "and 89950 more of this kind in 't.xml'")
    }

    @Test func wrongRoot() {
        #expect(refusals("<p:b xmlns:p='urn:p'/>") { _ in }.first == "t.xml:1:1: the root element is <p:b>, not <a>")
    }

    @Test func verbatimKeepsBytesAndNamesItsPrefixes() throws {
        let text = "<a xmlns:x='urn:x' xmlns:y='urn:y'><m>\r\n <!-- & --> <x:b c=\"&amp;'\"/>\n</m></a>"
        let (content, namespaces) = try read(text) { reader throws(LodgeError) in
            reader.child("m")?.verbatim() ?? ("", [])
        }
        #expect(content == "\n <!-- & --> <x:b c=\"&amp;'\"/>\n")
        #expect(namespaces == [XMLNamespace(prefix: "x", uri: "urn:x")])
    }
}

@Suite struct XMLWriterTests {
    @Test func layoutAndEscapes() {
        var writer = XMLWriter()
        writer.element("a") {
            $0.attribute("x", "<'\"&>\n\t\r")
            $0.attribute("none", String?.none)
            $0.element("b")
            $0.element("c", text: "<&>'\"\n\r")
            $0.element("d", "e", 5)
            $0.element("f") { $0.element("g") }
        }
        #expect(
            writer.finish() == """
                <a x='&lt;&apos;"&amp;&gt;&#10;&#9;&#13;'>
                  <b/>
                  <c>&lt;&amp;&gt;'"\n&#13;</c>
                  <d e='5'/>
                  <f>
                    <g/>
                  </f>
                </a>

                """)
    }

    @Test func anyTextComesBack() throws {
        let text = "a,b=c\n\r\n\t'\"<>&]]> ü 😀"
        var writer = XMLWriter()
        writer.element("a") {
            $0.attribute("x", text)
            $0.text(text)
        }
        let back = try ElementReader.read(Array(writer.finish().utf8), file: "t", root: "a", hints: [:]) {
            reader throws(LodgeError) in [reader.attribute("x") ?? "", reader.text()]
        }
        #expect(back == [text, text])
    }
}
