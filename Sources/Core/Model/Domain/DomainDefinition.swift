public import FoundationEssentials

/// A guest as libvirt's XML describes it. A value: nothing here touches the host.
///
/// An optional that is `nil` was not said; who resolves the definition against a machine chooses the default.
public struct DomainDefinition: Sendable, Hashable {
    public enum Kind: String, XMLValue, CaseIterable, Sendable {
        case kvm, qemu

        public static var refused: [String: String] {
            var hints: [String: String] = [:]
            for name in [
                "kqemu", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "vz",
                "bhyve", "hvf",
            ] {
                hints[name] = "type='kvm' or type='qemu' would work"
            }
            return hints
        }
    }

    public var kind: Kind
    /// The number of the running guest; only a running guest's definition has one.
    public var id: Int32?
    public var name: String
    /// `nil` when none is chosen yet.
    public var uuid: UUID?
    public var title: String?
    public var description: String?
    public var metadata: MetadataDefinition?
    /// Whole KiB, as libvirt keeps it.
    public var memory: ByteSize
    /// What the balloon leaves the guest at its start; `nil`: all.
    public var currentMemory: ByteSize?
    public var vcpu: VCPUDefinition
    /// Threads for disks' I/O, numbered from 1.
    public var ioThreads: UInt32?
    public var os: OSDefinition
    public var features: FeaturesDefinition?
    public var cpu: CPUDefinition?
    public var clock: ClockDefinition
    public var onPowerOff: LifecycleAction
    public var onReboot: LifecycleAction
    public var onCrash: CrashAction
    public var powerManagement: PowerManagementDefinition?
    public var devices: DevicesDefinition
    public var securityLabels: [SecurityLabelDefinition]

    public init(_ kind: Kind, name: String, memory: ByteSize, os: OSDefinition = OSDefinition()) {
        self.kind = kind
        self.name = name
        self.memory = memory
        vcpu = VCPUDefinition()
        self.os = os
        clock = ClockDefinition()
        onPowerOff = .destroy
        onReboot = .restart
        onCrash = .destroy
        devices = DevicesDefinition()
        securityLabels = []
    }
}

extension DomainDefinition {
    /// Fills in what a definition may leave open and every guest must have: its UUID and its cards' MAC addresses.
    ///
    /// - Parameters:
    ///   - uuid: makes a UUID; asked only when there is none.
    ///   - mac: makes a MAC address; asked again while it gives one that the definition has already, 1000 times.
    public func completed(uuid makeUUID: () -> UUID, mac makeMAC: () -> MACAddress) -> DomainDefinition {
        var definition = self
        if definition.uuid == nil { definition.uuid = makeUUID() }
        var taken = Set(devices.interfaces.compactMap(\.mac))
        for index in devices.interfaces.indices where devices.interfaces[index].mac == nil {
            var mac = makeMAC()
            for _ in 0..<1000 where taken.contains(mac) { mac = makeMAC() }
            taken.insert(mac)
            definition.devices.interfaces[index].mac = mac
        }
        return definition
    }

    /// With random numbers.
    public func completed() -> DomainDefinition { completed(uuid: { UUID() }, mac: { .random() }) }

    /// Without what only a running guest has: its number, terminals, chosen ports, and the aliases it was given.
    ///
    /// Aliases that begin with `ua-` are the user's and stay; link names that begin with `vnet` are not and go: both as
    /// in libvirt.
    public func inactive() -> DomainDefinition {
        var definition = self
        definition.id = nil
        func keep(_ alias: inout String?) {
            if alias?.hasPrefix("ua-") == false { alias = nil }
        }
        func settle(_ backend: inout CharacterBackend) {
            if case .pty = backend.source { backend.source = .pty(path: nil) }
        }
        for index in definition.devices.disks.indices { keep(&definition.devices.disks[index].alias) }
        for index in definition.devices.controllers.indices { keep(&definition.devices.controllers[index].alias) }
        for index in definition.devices.interfaces.indices {
            keep(&definition.devices.interfaces[index].alias)
            if definition.devices.interfaces[index].targetDevice?.hasPrefix("vnet") == true {
                definition.devices.interfaces[index].targetDevice = nil
            }
        }
        for index in definition.devices.serials.indices {
            keep(&definition.devices.serials[index].alias)
            settle(&definition.devices.serials[index].backend)
        }
        for index in definition.devices.consoles.indices {
            keep(&definition.devices.consoles[index].alias)
            settle(&definition.devices.consoles[index].backend)
        }
        for index in definition.devices.channels.indices {
            keep(&definition.devices.channels[index].alias)
            settle(&definition.devices.channels[index].backend)
            definition.devices.channels[index].state = nil
        }
        for index in definition.devices.inputs.indices { keep(&definition.devices.inputs[index].alias) }
        for index in definition.devices.graphics.indices {
            if case .vnc(var vnc) = definition.devices.graphics[index], vnc.autoport {
                vnc.port = nil
                definition.devices.graphics[index] = .vnc(vnc)
            }
        }
        for index in definition.devices.videos.indices { keep(&definition.devices.videos[index].alias) }
        for index in definition.devices.rngs.indices { keep(&definition.devices.rngs[index].alias) }
        if var balloon = definition.devices.memoryBalloon {
            keep(&balloon.alias)
            definition.devices.memoryBalloon = balloon
        }
        return definition
    }
}
