import LodgeCore

extension Resolver {
    /// The exact machine type: a definition must mean the same machine after QEMU was upgraded.
    mutating func resolveMachine() throws(LodgeError) {
        guard capabilities.version >= QEMUCapabilities.oldestVersion else {
            throw error(
                .missingDependency, "\(capabilities.title) is too old",
                hint: "QEMU \(QEMUCapabilities.oldestVersion) or newer would work")
        }
        try checkKVM()
        let usual = capabilities.machines.first { $0.isDefault } ?? capabilities.machine("pc")
        guard let asked = definition.os.machine ?? usual?.name else {
            throw error(
                .unsupported, "\(capabilities.title) has no usual machine type", hint: "name one: machine='q35'")
        }
        let names = ["q35", "pc"].compactMap { capabilities.machine($0) }
            .map { "machine='\($0.alias ?? $0.name)' (\($0.name))" }
        let hint = names.isEmpty ? nil : names.joined(separator: " or ") + " would work"
        guard let machine = capabilities.machine(asked) else {
            throw error(.unsupported, "\(capabilities.title) has no machine type '\(asked)'", hint: hint)
        }
        definition.os.machine = machine.name
        family = definition.os.machineFamily
        guard family != .other else {
            throw error(.unsupported, "the machine type '\(machine.name)' is not supported", hint: hint)
        }
        definition.os.architecture = definition.os.architecture ?? .x86_64
        definition.devices.emulator = definition.devices.emulator ?? capabilities.binary
        let most = min(machine.maximumCPUs, 255)
        if definition.vcpu.maximum > most {
            refuse(
                "the machine type '\(machine.name)' takes at most \(most) virtual processors, "
                    + "<vcpu> asks for \(definition.vcpu.maximum)", hint: "<vcpu>\(most)</vcpu> would work")
        }
        if definition.memory.bytes < 1 << 20 {
            refuse("\(definition.memory) is less memory than a machine can have", hint: "1 MiB is the least")
        }
    }

    private func checkKVM() throws(LodgeError) {
        guard definition.kind == .kvm, inputs.kvm != .works else { return }
        var hint = "<domain type='qemu'> would run, slower"
        var changes: [String] = []
        switch definition.cpu?.mode {
        case .hostPassthrough: changes.append("<cpu mode='maximum'>")
        default: break
        }
        if definition.features?.ioapic == .kvm { changes.append("no <ioapic driver='kvm'/>") }
        if definition.features?.hyperV != nil { changes.append("no <hyperv>") }
        if !changes.isEmpty { hint += ", with " + changes.joined(separator: " and ") }
        throw error(.missingDependency, "type='kvm' does not work here: \(inputs.kvm)", hint: hint)
    }

    mutating func resolveProcessors() {
        if definition.features?.ioapic == .kvm, definition.kind != .kvm {
            refuse("<ioapic driver='kvm'/> needs type='kvm'", hint: "remove it, or use driver='qemu'")
        }
        if definition.features?.hyperV != nil, definition.kind != .kvm {
            refuse("<hyperv> needs type='kvm'", hint: "remove it")
        }
        guard let cpu = definition.cpu else { return }
        switch cpu.mode {
        case .hostPassthrough where definition.kind != .kvm:
            refuse(
                "<cpu mode='host-passthrough'> needs type='kvm'", hint: "<cpu mode='maximum'/> would work")
        case .custom:
            if let model = cpu.model, !capabilities.cpuModels.contains(model) {
                refuse(
                    "\(capabilities.title) has no processor model '\(model)'",
                    hint: "see `\(capabilities.binary) -cpu help`; <cpu mode='maximum'/> would work")
            }
        default: break
        }
        if cpu.migratable != nil, cpu.mode != .hostPassthrough, cpu.mode != .maximum {
            refuse(
                "@migratable of <cpu> goes with mode='host-passthrough' or 'maximum' only", .invalidXML,
                hint: "remove it")
        }
        if cpu.cache == .passthrough, cpu.mode != .hostPassthrough, cpu.mode != .maximum {
            refuse(
                "<cache mode='passthrough'/> needs <cpu mode='host-passthrough'>", .invalidXML,
                hint: "remove the <cache>, or use mode='emulate' level='3'")
        }
        for feature in cpu.features where feature.policy == .forbid {
            refuse(
                "policy='forbid' of the processor feature '\(feature.name)' is not supported",
                hint: "policy='disable' would work")
        }
    }
}
