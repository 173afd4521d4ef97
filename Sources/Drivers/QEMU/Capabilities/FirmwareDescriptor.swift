import LodgeCore

/// One firmware image and what it is for, as its description file says.
///
/// Source of the format: QEMU's docs/interop/firmware.json.
public struct FirmwareDescriptor: Sendable, Hashable {
    public struct Target: Sendable, Hashable {
        public var architecture: String
        /// Patterns with `*`: `pc-q35-*`.
        public var machines: [String]

        public init(architecture: String, machines: [String]) {
            self.architecture = architecture
            self.machines = machines
        }
    }

    /// The description's file, for errors and logs.
    public var file: String
    /// Path of the raw image.
    public var executable: String
    /// Path of the raw image that a guest's variables begin as; nil for a stateless one.
    public var template: String?
    public var targets: [Target]
    public var features: Set<String>

    public init(file: String, executable: String, template: String?, targets: [Target], features: Set<String>) {
        self.file = file
        self.executable = executable
        self.template = template
        self.targets = targets
        self.features = features
    }

    public var requiresSMM: Bool { features.contains("requires-smm") }
}

/// What a definition asks of an automatically chosen firmware.
struct FirmwareRequest {
    var architecture: String
    /// The exact machine type.
    var machine: String
    var features: [OSDefinition.FirmwareFeature]
    /// `<loader secure='…'>`: whether the firmware must be protected by SMM.
    var secure: Bool?
    var stateless: Bool
    var smm: Bool?

    var description: String {
        var parts = ["\(architecture) \(machine)"]
        parts += features.map { "\($0.isEnabled ? "with" : "without") \($0.name.rawValue)" }
        if let secure { parts.append("with secure='\(secure ? "yes" : "no")'") }
        if stateless { parts.append("with stateless='yes'") }
        if let smm { parts.append("with SMM \(smm ? "on" : "off")") }
        return parts.joined(separator: ", ")
    }
}

extension FirmwareDescriptor {
    func fits(_ request: FirmwareRequest) -> Bool {
        let isForMachine = targets.contains { target in
            target.architecture == request.architecture
                && target.machines.contains { Self.matches($0, request.machine) }
        }
        guard isForMachine, request.stateless == (template == nil) else { return false }
        if let secure = request.secure, secure != requiresSMM { return false }
        if requiresSMM, request.smm == false { return false }
        return request.features.allSatisfy { features.contains($0.name.rawValue) == $0.isEnabled }
    }

    /// Whether a name matches a pattern of which only `*` means something. No backtracking beyond the last star, so a
    /// hostile pattern costs no more than the product of both lengths.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        let (pattern, name) = (Array(pattern.utf8), Array(name.utf8))
        var (p, n) = (0, 0)
        var retry: (p: Int, n: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let back = retry {
                retry = (back.p, back.n + 1)
                (p, n) = (back.p, back.n + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
