public import LodgeCore

/// What resolving a definition needs to know of the host. Gathered before; resolving itself asks nobody.
public struct ResolveInputs: Sendable {
    public var capabilities: QEMUCapabilities
    /// What the one-instruction guest found. Asked only for `type='kvm'`.
    public var kvm: KVMState
    /// The host's firmware descriptions, best first.
    public var firmware: [FirmwareDescriptor]
    /// Where a guest's UEFI variables are kept when its definition does not say: `<root>/lib/nvram`.
    public var nvramDirectory: String

    public init(
        capabilities: QEMUCapabilities, kvm: KVMState, firmware: [FirmwareDescriptor], nvramDirectory: String
    ) {
        self.capabilities = capabilities
        self.kvm = kvm
        self.firmware = firmware
        self.nvramDirectory = nvramDirectory
    }
}

extension DomainDefinition {
    /// Fits the definition to a QEMU: names the exact machine type, adds the devices and controllers that libvirt's users
    /// expect, and gives each device its place.
    ///
    /// Pure. What the definition says already stays as it is, so that a place once assigned is kept for good; resolving
    /// the result again changes nothing.
    ///
    /// - Throws: all that cannot work, as one error with ``LodgeError/others``.
    public func resolved(_ inputs: ResolveInputs) throws(LodgeError) -> DomainDefinition {
        var resolver = Resolver(self, inputs)
        return try resolver.run()
    }
}

/// The work of one resolution. Each step is an extension in a file of its own.
struct Resolver {
    var definition: DomainDefinition
    let inputs: ResolveInputs
    var family = OSDefinition.MachineFamily.other
    private(set) var problems: [LodgeError] = []

    var capabilities: QEMUCapabilities { inputs.capabilities }
    var isQ35: Bool { family == .q35 }

    init(_ definition: DomainDefinition, _ inputs: ResolveInputs) {
        self.definition = definition
        self.inputs = inputs
    }

    mutating func run() throws(LodgeError) -> DomainDefinition {
        // Without a machine nothing else can be said.
        try resolveMachine()
        resolveProcessors()
        resolveFirmware()
        addDefaultDevices()
        resolveControllers()
        placeDrives()
        placeSerialPorts()
        placeUSBDevices()
        placeOnPCI()
        checkDevices()
        checkTexts()
        guard var first = problems.first else { return definition }
        first.others = Array(problems.dropFirst())
        throw first
    }

    /// Notes what cannot work and goes on, so that a user hears of everything at once.
    mutating func refuse(_ message: String, _ code: LodgeError.Code = .unsupported, hint: String? = nil) {
        problems.append(error(code, message, hint: hint))
    }

    func error(_ code: LodgeError.Code, _ message: String, hint: String? = nil) -> LodgeError {
        LodgeError(code, message, object: ObjectReference(.domain, definition.name), hint: hint)
    }

    mutating func note(_ error: LodgeError) { problems.append(error) }
}
