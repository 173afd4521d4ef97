public import LodgeCore

/// What a command line needs to know besides the definition: decided at each start.
public struct LaunchInputs: Sendable, Hashable {
    /// The QEMU binary.
    public var emulator: String
    /// The guest's directory for sockets that the definition does not name.
    public var runDirectory: String
    /// Which interfaces have a tap, by their place in the definition.
    public var taps: Set<Int>
    /// The TCP port of each VNC server whose definition leaves it open, by its place in the definition.
    public var vncPorts: [Int: UInt16]
    /// Seconds since 1970, for clocks that are set relative to now.
    public var now: Int64

    public init(
        emulator: String, runDirectory: String, taps: Set<Int> = [], vncPorts: [Int: UInt16] = [:], now: Int64
    ) {
        self.emulator = emulator
        self.runDirectory = runDirectory
        self.taps = taps
        self.vncPorts = vncPorts
        self.now = now
    }
}

/// How one guest is started: QEMU's arguments and the descriptors that they name. Pure: the same definition and
/// inputs give the same plan.
public struct LaunchPlan: Sendable, Hashable {
    /// The numbers of the descriptors in QEMU, fixed so that a command line can be read and compared.
    public enum Descriptor {
        public static let lease: CInt = 3
        public static let claims: CInt = 4
        public static let controlMonitor: CInt = 5
        public static let eventsMonitor: CInt = 6
        static let firstTap: CInt = 7
    }

    /// A monitor command that finishes the start, before the guest's first instruction: what QEMU offers no option for.
    public struct Finish: Sendable, Hashable {
        public var command: String
        public var arguments: [String: JSONValue]
    }

    /// A listening Unix socket that QEMU inherits.
    public struct Socket: Sendable, Hashable {
        public var path: String
        /// The descriptor's number in QEMU.
        public var target: CInt
    }

    /// The program first.
    public var arguments: [String]
    /// The descriptor number of each tap, by the interface's place in the definition.
    public var taps: [Int: CInt]
    /// Sockets of character devices that the definition gives no path, to be listening when QEMU starts.
    public var sockets: [Socket]
    public var finish: [Finish]
    /// What of the definition QEMU cannot do by itself; each pauses the guest until a supervisor acts.
    public var needsSupervisor: [String]
    /// The chardev of each serial port, console and channel that gets a terminal from QEMU.
    public var terminals: Set<String>

    /// - Parameter definition: resolved: every device has its place and every default is decided.
    public init(_ definition: DomainDefinition, _ inputs: LaunchInputs) throws(LodgeError) {
        let taps = inputs.taps.sorted()
        self.taps = Dictionary(
            zip(taps, taps.indices.map { Descriptor.firstTap + CInt($0) }), uniquingKeysWith: { first, _ in first })
        var line = CommandLine(definition: definition.withAliases(), inputs: inputs, taps: self.taps)
        try line.write()
        arguments = [inputs.emulator] + line.list.words
        finish = line.finish
        sockets = line.sockets
        needsSupervisor = line.policy.needsSupervisor
        terminals = line.terminals
    }

    /// The same, as a shell would have to be given it.
    public static func quoted(_ arguments: [String]) -> String {
        arguments.map { word in
            let plain = word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-_./=,:+@%".utf8.contains(byte)
                }
            }
            return plain && !word.isEmpty
                ? word
                : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
    }
}

/// One command line while it is written. Each device family has its part in a file of its own.
struct CommandLine {
    let definition: DomainDefinition
    let inputs: LaunchInputs
    let taps: [Int: CInt]
    let policy: LifecyclePolicy
    let bootIndexes: BootIndexes
    var list = ArgumentList()
    var finish: [LaunchPlan.Finish] = []
    var terminals: Set<String> = []
    var sockets: [LaunchPlan.Socket] = []

    init(definition: DomainDefinition, inputs: LaunchInputs, taps: [Int: CInt]) {
        self.definition = definition
        self.inputs = inputs
        self.taps = taps
        policy = LifecyclePolicy(definition)
        bootIndexes = BootIndexes(definition)
    }

    var devices: DevicesDefinition { definition.devices }

    mutating func write() throws(LodgeError) {
        writeIdentity()
        try writeFirmware()
        writeMachine()
        writeProcessor()
        writeMonitors()
        writeClock()
        writePower()
        writeBoot()
        for (index, controller) in controllersInOrder { try writeController(controller, index) }
        for (index, disk) in devices.disks.enumerated() { try writeDisk(disk, index) }
        for (index, interface) in devices.interfaces.enumerated() { try writeInterface(interface, index) }
        try writeCharacterDevices()
        for (index, input) in devices.inputs.enumerated() { try writeInput(input, index) }
        for audio in devices.audios { writeAudio(audio) }
        try writeGraphics()
        for (index, video) in devices.videos.enumerated() { try writeVideo(video, index) }
        if let balloon = devices.memoryBalloon { try writeMemoryBalloon(balloon) }
        for (index, rng) in devices.rngs.enumerated() { try writeRNG(rng, index) }
        list.add(
            "-sandbox", "on",
            [
                ("obsolete", "deny"), ("elevateprivileges", "deny"), ("spawn", "deny"), ("resourcecontrol", "deny"),
            ])
        list.add("-msg", nil, [("timestamp", "on")])
    }

    /// Where a PCI device sits, as `-device` says it.
    func place(_ address: PCIAddress?, _ what: String) throws(LodgeError) -> [String: JSONValue?] {
        guard let address else {
            throw LodgeError(
                .invalidState, "\(what) has no PCI address", object: ObjectReference(.domain, definition.name))
        }
        let slot = "0x" + String(address.slot, radix: 16)
        let function = address.function == 0 ? "" : ".0x" + String(address.function, radix: 16)
        return [
            "bus": .string(pciBus(address.bus)), "addr": .string(slot + function),
            "multifunction": .flag(address.multifunction),
        ]
    }

    private func pciBus(_ number: UInt8) -> String {
        number == 0 ? (definition.os.machineFamily == .i440fx ? "pci.0" : "pcie.0") : "pci.\(number)"
    }
}

extension Dictionary where Key == String, Value == JSONValue? {
    /// The same with more properties; where both have one, the latter counts.
    func with(_ more: [String: JSONValue?]) -> Self { merging(more) { _, last in last } }
}
