import Foundation
import Testing

@testable import LodgeCore

/// Every file in fixtures/domains, read, written, read again, and judged by libvirt's own validator.
@Suite struct DomainFixtureTests {
    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../../fixtures/domains").standardizedFileURL

    static let names: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        return all.filter { $0.hasSuffix(".xml") }.sorted()
    }()

    @Test func thereAreEnough() { #expect(Self.names.count >= 10) }

    static func bytes(of name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: directory.appendingPathComponent(name)))
    }

    @Test(arguments: names)
    func comesBackEqual(_ name: String) throws {
        let definition = try DomainDefinition(xml: try Self.bytes(of: name), file: name)
        let text = definition.xml()
        let back = try DomainDefinition(xml: Array(text.utf8), file: "written")
        #expect(back == definition)
        #expect(back.xml() == text)
    }

    /// The domain that `make demo` starts.
    @Test func demoDomainIsRead() throws {
        let file = Self.directory.appendingPathComponent("../guest/domain.xml").standardizedFileURL
        let text = String(decoding: try Data(contentsOf: file), as: UTF8.self).replacing("@IMAGES@", with: "/srv")
        let definition = try DomainDefinition(xml: Array(text.utf8), file: "domain.xml")
        #expect(try DomainDefinition(xml: Array(definition.xml().utf8), file: "written") == definition)
    }

    @Test(.enabled(if: Validator.isInstalled, "needs virt-xml-validate of libvirt-clients"), arguments: names)
    func isAcceptedByLibvirtsValidator(_ name: String) throws {
        let definition = try DomainDefinition(xml: try Self.bytes(of: name), file: name)
        for text in [definition.xml(), definition.completed().xml(), definition.inactive().xml()] {
            #expect(try Validator.complaints(about: text) == nil)
        }
    }
}

/// `virt-xml-validate`, the program of libvirt-clients.
enum Validator {
    static let path = "/usr/bin/virt-xml-validate"
    static let isInstalled = FileManager.default.isExecutableFile(atPath: path)

    /// What the validator says against a domain's XML; `nil` when it accepts it.
    static func complaints(about xml: String) throws -> String? {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("lodge-\(UUID().uuidString).xml")
        try Data(xml.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = [file.path, "domain"]
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return process.terminationStatus == 0 ? nil : words
    }
}
