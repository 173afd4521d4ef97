import Foundation
import Testing

@testable import LodgeCore

/// docs/compatibility.md tells of everything that has a hint of its own.
@Suite struct CompatibilityDocumentTests {
    @Test func everyKnownRefusalIsDocumented() throws {
        let file = DomainFixtureTests.directory.appendingPathComponent("../../docs/compatibility.md")
            .standardizedFileURL
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        // Names between backquotes; the document leaves out the element where the line is about it.
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        var names: Set<Substring> = []
        for index in stride(from: 1, to: parts.count, by: 2) {
            for name in parts[index].split(whereSeparator: { "/@ ='<>".contains($0) }) { names.insert(name) }
        }
        for path in DomainDefinition.hints.keys.sorted() {
            let name = path.split(whereSeparator: { "/@".contains($0) }).last ?? ""
            #expect(names.contains(name), "\(path)")
        }
    }
}
