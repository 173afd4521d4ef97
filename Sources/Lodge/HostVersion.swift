public import LodgeCore
import LodgeQEMU

/// What is installed here and whether it can be used.
public struct HostVersion: Sendable, Hashable, Codable {
    /// Lodge's own version.
    public var lodge: String
    /// Path of QEMU, nil when it is not installed.
    public var emulator: String?
    public var emulatorVersion: String?
    /// The running kernel's release.
    public var kernel: String
    /// Whether `type='kvm'` guests run here.
    public var kvmUsable: Bool
    /// What a one-instruction guest found.
    public var kvm: String
}

extension Host {
    /// The version of this library.
    public static let version = "0.1.0"

    /// What is installed here and whether it can be used. KVM is tried with a guest of a few instructions.
    public func version() async throws(LodgeError) -> HostVersion {
        try await perform { (core, context) throws(LodgeError) in
            let found = try core.domains.emulatorVersion(context: context)
            let kvm = try core.domains.kvmState(context: context)
            let kernel = try AtomicFile.read("/proc/sys/kernel/osrelease", limit: 256) ?? []
            return HostVersion(
                lodge: Host.version, emulator: found?.path, emulatorVersion: found?.version,
                kernel: String(decoding: kernel, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? "",
                kvmUsable: kvm.isUsable, kvm: kvm.text)
        }
    }
}
