import Foundation
import LodgeCore
import Logging
import TestSupport
import Testing

@testable import LodgeQEMU

@Suite struct FirmwareTests {
    private let root = FileManager.default.temporaryDirectory.appendingPathComponent("lodge-\(UUID().uuidString)")
    private let logger = Logger(label: "test")

    private func write(_ text: String, _ path: String) throws {
        let file = root.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    private func description(_ image: String, features: [String] = [], format: String = "raw") -> String {
        """
        {"interface-types":["uefi"],"mapping":{"device":"flash","executable":{"filename":"\(image)","format":"\(format)"},
        "nvram-template":{"filename":"\(image).vars","format":"raw"}},
        "targets":[{"architecture":"x86_64","machines":["pc-q35-*"]}],
        "features":[\(features.map { "\"\($0)\"" }.joined(separator: ","))],"tags":[]}
        """
    }

    @Test func ordersByNameAndMasksByName() throws {
        defer { try? FileManager.default.removeItem(at: root) }
        try write(description("/usr/a"), "usr/50-a.json")
        try write(description("/usr/b"), "usr/40-b.json")
        try write(description("/usr/c"), "usr/60-c.json")
        try write(description("/etc/a"), "etc/50-a.json")
        try write("", "etc/60-c.json")
        try write("not JSON", "usr/10-broken.json")
        try write(String(repeating: "[", count: 200_000), "usr/11-deep.json")
        try write(description("/usr/d", format: "qcow2"), "usr/12-qcow2.json")
        try write(description("relative"), "usr/13-relative.json")
        let found = FirmwareDescriptor.installed(in: [root.path + "/etc", root.path + "/usr"], logger: logger)
        #expect(found.map(\.executable) == ["/usr/b", "/etc/a"])
    }

    @Test func choosesByFeature() {
        func request(
            machine: String = "pc-q35-7.2", _ features: [OSDefinition.FirmwareFeature] = [], secure: Bool? = nil,
            smm: Bool? = nil
        ) -> String? {
            let request = FirmwareRequest(
                architecture: "x86_64", machine: machine, features: features, secure: secure, stateless: false,
                smm: smm)
            return Fixtures.firmware.first { $0.fits(request) }?.file
        }
        #expect(request() == "OVMF_CODE_4M.ms.fd")
        #expect(request(machine: "pc-i440fx-7.2") == "OVMF_CODE_4M.fd")
        #expect(request([.init(.secureBoot, isEnabled: false)]) == "OVMF_CODE_4M.fd")
        #expect(request([.init(.enrolledKeys, isEnabled: false)]) == "OVMF_CODE_4M.secboot.fd")
        #expect(
            request([.init(.enrolledKeys, isEnabled: false), .init(.secureBoot, isEnabled: false)])
                == "OVMF_CODE_4M.fd")
        #expect(request(secure: false) == "OVMF_CODE_4M.fd")
        #expect(request(smm: false) == "OVMF_CODE_4M.fd")
        #expect(request(machine: "pc-i440fx-7.2", [.init(.secureBoot, isEnabled: true)]) == nil)
    }

    @Test func patternsMatchWithoutBacktracking() {
        #expect(FirmwareDescriptor.matches("pc-q35-*", "pc-q35-7.2"))
        #expect(FirmwareDescriptor.matches("*q35*", "pc-q35-7.2"))
        #expect(FirmwareDescriptor.matches("*", ""))
        #expect(!FirmwareDescriptor.matches("pc-q35-*", "pc-i440fx-7.2"))
        #expect(!FirmwareDescriptor.matches("pc-q35-7", "pc-q35-7.2"))
        let hostile = String(repeating: "*a", count: 2000)
        #expect(!FirmwareDescriptor.matches(hostile + "b", String(repeating: "a", count: 4000)))
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/usr/share/OVMF"), "needs the package ovmf"))
    func readsDebiansOwn() {
        let found = FirmwareDescriptor.installed(logger: logger)
        #expect(found.count >= 3)
        #expect(found.allSatisfy { FileManager.default.fileExists(atPath: $0.executable) })
    }
}
