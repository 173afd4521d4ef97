import LodgeCore

/// `-cpu` and `-smp`.
extension CommandLine {
    mutating func writeProcessor() {
        let properties = processorProperties
        if let model = processorModel(needed: !properties.isEmpty) { list.add("-cpu", model, properties) }

        let vcpu = definition.vcpu
        let topology = definition.cpu?.topology
        list.add(
            "-smp", "\(vcpu.current ?? vcpu.maximum)",
            [
                ("maxcpus", vcpu.current == nil ? nil : "\(vcpu.maximum)"),
                ("sockets", "\(topology?.sockets ?? vcpu.maximum)"),
                ("dies", topology?.dies.map { "\($0)" }),
                ("cores", "\(topology?.cores ?? 1)"), ("threads", "\(topology?.threads ?? 1)"),
            ])
    }

    /// What stands before the first comma; nil leaves the machine's own choice.
    private func processorModel(needed: Bool) -> String? {
        guard let cpu = definition.cpu, cpu.mode != nil || cpu.model != nil else { return needed ? "qemu64" : nil }
        switch cpu.mode {
        case .hostPassthrough, .hostModel: return definition.kind == .kvm ? "host" : "max"
        case .maximum: return "max"
        case .custom, nil: return cpu.model ?? "qemu64"
        }
    }

    private var processorProperties: [(key: String, value: String?)] {
        var list: [(key: String, value: String?)] = []
        func add(_ key: String, _ value: Bool?) {
            if let value { list.append((key, value.onOff)) }
        }
        let cpu = definition.cpu
        if cpu?.mode == .hostPassthrough || cpu?.mode == .maximum { add("migratable", cpu?.migratable) }
        for feature in cpu?.features ?? [] {
            switch feature.policy {
            case .force, .require, .optional: list.append((feature.name, "on"))
            case .disable, .forbid: list.append((feature.name, "off"))
            }
        }
        if cpu?.check == .full { list.append(("enforce", "on")) }
        switch cpu?.cache {
        case .passthrough: list += [("host-cache-info", "on"), ("l3-cache", "off")]
        case .emulate: list += [("host-cache-info", "off"), ("l3-cache", "on")]
        case .disable: list += [("host-cache-info", "off"), ("l3-cache", "off")]
        case nil: break
        }
        let features = definition.features
        if features?.pae == true, definition.os.architecture == .i686 { add("pae", true) }
        add("pmu", features?.pmu)
        add("kvm-pv-eoi", features?.apic?.endOfInterrupt)
        if features?.kvm?.hidden == true { add("kvm", false) }
        add("kvm-hint-dedicated", features?.kvm?.hintDedicated)
        add("kvm-poll-control", features?.kvm?.pollControl)
        add("kvm-pv-ipi", features?.kvm?.pvIPI)
        for timer in definition.clock.timers {
            switch timer.name {
            case .kvmclock: add("kvmclock", timer.isPresent)
            case .hypervclock: add("hv-time", timer.isPresent)
            case .tsc: if let frequency = timer.frequency { list.append(("tsc-frequency", "\(frequency)")) }
            case .rtc, .pit, .hpet: break
            }
        }
        list += hyperVProperties
        return list
    }

    private var hyperVProperties: [(key: String, value: String?)] {
        guard let hyperV = definition.features?.hyperV else { return [] }
        if hyperV.mode == .passthrough { return [("hv-passthrough", "on")] }
        var list: [(key: String, value: String?)] = []
        for name in HyperVDefinition.Switch.allCases {
            if let on = hyperV.switches[name] { list.append(("hv-\(name.rawValue)", on.onOff)) }
        }
        if let spinlocks = hyperV.spinlocks, spinlocks.isOn {
            list.append(("hv-spinlocks", "\(spinlocks.retries ?? 4095)"))
        }
        if let timers = hyperV.syntheticTimers, timers.isOn {
            list.append(("hv-stimer", "on"))
            if timers.direct == true { list.append(("hv-stimer-direct", "on")) }
        }
        if let vendor = hyperV.vendorID, vendor.isOn, let value = vendor.value { list.append(("hv-vendor-id", value)) }
        return list
    }
}
