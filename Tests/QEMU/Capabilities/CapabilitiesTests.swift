import Foundation
import LodgeCore
import TestSupport
import Testing

@testable import LodgeQEMU

/// The QEMU of this host.
enum InstalledQEMU {
    static let path = "/usr/bin/qemu-system-x86_64"
    static let isThere = FileManager.default.isExecutableFile(atPath: path)
    static let comment: Comment = "needs the package qemu-system-x86"

    static let capabilities = Result {
        try QEMUCapabilities.probe(path, context: .test(.seconds(60)), features: .underTest)
    }
}

@Suite(.enabled(if: InstalledQEMU.isThere, InstalledQEMU.comment))
struct CapabilitiesTests {
    private let cache = FileManager.default.temporaryDirectory.appendingPathComponent("lodge-\(UUID().uuidString)").path

    private func ask(_ binary: String = InstalledQEMU.path) throws -> QEMUCapabilities {
        try QEMUCapabilities.of(
            binary, cache: cache, context: .test(.seconds(60)), features: .underTest)
    }

    private var file: String {
        get throws {
            let directory = cache + "/capabilities"
            let name = try #require(try FileManager.default.contentsOfDirectory(atPath: directory).first)
            return "\(directory)/\(name)"
        }
    }

    @Test func findsWhatThisQEMUHas() throws {
        let found = try InstalledQEMU.capabilities.get()
        #expect(found.version >= .init(7, 2))
        #expect(found.machine("q35")?.name.hasPrefix("pc-q35-") == true)
        #expect(found.machine("pc")?.isDefault == true)
        #expect(found.machine("pc")?.name == found.machines.first { $0.isDefault }?.name)
        #expect(
            found.devices.isSuperset(of: ["virtio-blk-pci", "virtio-net-pci", "pcie-root-port", "VGA", "virtio-vga"]))
        #expect(found.cpuModels.isSuperset(of: ["qemu64", "max", "EPYC"]))
    }

    @Test func aCacheIsUsedAndSmallAndFast() throws {
        defer { try? FileManager.default.removeItem(atPath: cache) }
        let probed = try ask()
        #expect(try ask() == probed)
        let size = try #require(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
        #expect(size < 16 << 10)
        let time = try ContinuousClock().measure { for _ in 0..<20 { _ = try ask() } }
        print("capabilities from the cache: \(time / 20), \(size) bytes")
        #expect(time < .milliseconds(400))
    }

    @Test func aBrokenCacheIsMadeAnew() throws {
        defer { try? FileManager.default.removeItem(atPath: cache) }
        let probed = try ask()
        let good = try Data(contentsOf: URL(fileURLWithPath: file))
        let text = String(decoding: good, as: UTF8.self)
        let broken: [Data] = [
            Data(), Data("{}".utf8), good.dropLast(good.count / 2), Data("[[[[".utf8),
            Data(text.replacingOccurrences(of: "\"schema\":1", with: "\"schema\":2").utf8),
            Data(text.replacingOccurrences(of: "\(InstalledQEMU.path)", with: "/usr/bin/other").utf8),
            Data(text.replacingOccurrences(of: "\"cpus\":[", with: "\"cpus\":[1,").utf8),
        ]
        for bytes in broken {
            try bytes.write(to: URL(fileURLWithPath: file))
            #expect(try ask() == probed)
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == good)
        }
    }

    @Test func anotherBinaryAtThePathIsAskedAgain() throws {
        defer { try? FileManager.default.removeItem(atPath: cache) }
        try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
        let link = cache + "/qemu"
        // Not a copy: QEMU finds its modules beside itself.
        try Data("#!/bin/sh\nexec \(InstalledQEMU.path) \"$@\"\n".utf8).write(to: URL(fileURLWithPath: link))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: link)
        let first = try ask(link)
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        try FileManager.default.setAttributes([.modificationDate: now], ofItemAtPath: link)
        #expect(try ask(link) == first)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) != before)
    }

    @Test func anUnwritableCacheDoesNoHarm() throws {
        #expect(
            try QEMUCapabilities.of(
                InstalledQEMU.path, cache: "/proc/none", context: .test(.seconds(60)), features: .underTest
            ).version >= .init(7, 2))
    }

    @Test func whatIsNoQEMUIsToldInItsOwnWords() throws {
        defer { try? FileManager.default.removeItem(atPath: cache) }
        #expect(throws: LodgeError.self) { try ask("/nonexistent/qemu") }
        let error = #expect(throws: LodgeError.self) { try ask("/bin/ls") }
        #expect(error?.code == .program)
        #expect("\(try #require(error))".contains("ls: "))
        #expect(throws: LodgeError.self) { try ask("/bin/true") }
    }

    @Test func aProgramThatSaysNothingIsLeftAtTheDeadline() throws {
        let context = OperationContext.test(.milliseconds(300))
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("lodge-\(UUID().uuidString)").path
        try Data("#!/bin/sh\nexec sleep 30\n".utf8).write(to: URL(fileURLWithPath: script))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        defer { try? FileManager.default.removeItem(atPath: script) }
        let time = ContinuousClock().measure {
            let error = #expect(throws: LodgeError.self) {
                try QEMUCapabilities.probe(script, context: context, features: .underTest)
            }
            #expect(error?.code == .busy || error?.code == .timeout)
        }
        #expect(time < .seconds(3))
    }
}
