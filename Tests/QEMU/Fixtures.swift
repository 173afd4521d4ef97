import Foundation
import LodgeCore

@testable import LodgeQEMU

/// The domains in fixtures/, and what resolving them needs.
enum Fixtures {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../fixtures").standardizedFileURL

    static let domains: [String] = {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: root.path + "/domains")) ?? []
        return all.filter { $0.hasSuffix(".xml") }.map { String($0.dropLast(4)) }.sorted()
    }()

    static func domain(_ name: String) throws -> DomainDefinition {
        let file = root.appendingPathComponent("domains/\(name).xml")
        var definition = try DomainDefinition(xml: Array(try Data(contentsOf: file)), file: file.path)
        // Several queues are refused (see the tests of refusals); the rest of such a file is worth testing.
        for index in definition.devices.interfaces.indices {
            definition.devices.interfaces[index].driver?.queues = nil
        }
        // As it is stored: a guest's own number and terminals are left behind.
        definition = definition.inactive()
        var last: UInt8 = 0
        definition = definition.completed(
            uuid: { UUID(uuidString: "00000000-0000-4000-8000-000000000001") ?? UUID() },
            mac: {
                last += 1
                return MACAddress("52:54:00:00:00:\(last < 16 ? "0" : "")\(String(last, radix: 16))") ?? .random()
            })
        return definition
    }

    /// Debian 12's QEMU, written down so that the pure tests need none.
    static let capabilities: QEMUCapabilities = {
        var machines = [
            QEMUCapabilities.Machine("pc-i440fx-7.2", alias: "pc", isDefault: true, maximumCPUs: 255),
            .init("pc-q35-7.2", alias: "q35", maximumCPUs: 288), .init("microvm", maximumCPUs: 288),
            .init("isapc", maximumCPUs: 1),
        ]
        for version in ["2.1", "2.11", "4.2", "5.2", "6.0", "6.1", "6.2", "7.0", "7.1"] {
            machines.append(.init("pc-i440fx-\(version)", maximumCPUs: 255))
            machines.append(.init("pc-q35-\(version)", maximumCPUs: 288))
        }
        return QEMUCapabilities(
            binary: "/usr/bin/qemu-system-x86_64", version: .init(7, 2, 22), machines: machines,
            devices: QEMUCapabilities.knownDevices.subtracting(["igb"]),
            cpuModels: [
                "qemu64", "qemu32", "max", "host", "kvm64", "core2duo", "SandyBridge", "Haswell-noTSX",
                "Skylake-Client-IBRS", "Skylake-Server", "Skylake-Server-IBRS", "Cascadelake-Server", "EPYC",
                "EPYC-Rome", "Nehalem",
                "Westmere", "Broadwell", "Penryn", "Opteron_G3",
            ])
    }()

    /// Debian 12's ovmf.
    static let firmware: [FirmwareDescriptor] = {
        func description(_ code: String, _ variables: String, _ machines: [String], _ features: Set<String>)
            -> FirmwareDescriptor
        {
            FirmwareDescriptor(
                file: code, executable: "/usr/share/OVMF/\(code)", template: "/usr/share/OVMF/\(variables)",
                targets: [.init(architecture: "x86_64", machines: machines)], features: features)
        }
        return [
            description(
                "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd", ["pc-q35-*"],
                ["secure-boot", "enrolled-keys", "requires-smm"]),
            description("OVMF_CODE_4M.secboot.fd", "OVMF_VARS_4M.fd", ["pc-q35-*"], ["secure-boot", "requires-smm"]),
            description("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", ["pc-i440fx-*", "pc-q35-*"], []),
        ]
    }()

    static func inputs(kvm: KVMState = .works) -> ResolveInputs {
        ResolveInputs(
            capabilities: capabilities, kvm: kvm, firmware: firmware, nvramDirectory: "/var/lib/lodge/nvram")
    }
}
