/// Switches of the machine: `<features>`.
public struct FeaturesDefinition: Sendable, Hashable {
    public struct APIC: Sendable, Hashable {
        /// Whether the guest may end interrupts without leaving guest mode.
        public var endOfInterrupt: Bool?

        public init() {}
    }

    /// Who emulates the I/O APIC.
    public enum IOAPIC: String, XMLValue, CaseIterable, Sendable {
        case kvm, qemu
    }

    public struct KVM: Sendable, Hashable {
        /// Whether the guest is kept from seeing that it runs on KVM.
        public var hidden: Bool?
        public var hintDedicated: Bool?
        public var pollControl: Bool?
        public var pvIPI: Bool?

        public init() {}
    }

    public var acpi = false
    public var apic: APIC?
    public var pae = false
    public var hyperV: HyperVDefinition?
    public var kvm: KVM?
    /// The processor's performance counters.
    public var pmu: Bool?
    /// VMware's I/O port.
    public var vmport: Bool?
    /// System management mode.
    public var smm: Bool?
    public var ioapic: IOAPIC?

    public init() {}
}

extension FeaturesDefinition {
    init(_ reader: ElementReader) throws(LodgeError) {
        acpi = reader.flag("acpi")
        apic = reader.child("apic") { element throws(LodgeError) in
            var apic = APIC()
            apic.endOfInterrupt = element.onOff("eoi")
            return apic
        }
        pae = reader.flag("pae")
        hyperV = reader.child("hyperv", HyperVDefinition.init)
        kvm = reader.child("kvm") { element throws(LodgeError) in
            var kvm = KVM()
            kvm.hidden = element.featureState("hidden")
            kvm.hintDedicated = element.featureState("hint-dedicated")
            kvm.pollControl = element.featureState("poll-control")
            kvm.pvIPI = element.featureState("pv-ipi")
            return kvm
        }
        pmu = reader.featureState("pmu")
        vmport = reader.featureState("vmport")
        smm = reader.featureState("smm")
        ioapic = reader.child("ioapic") { element throws(LodgeError) in try element.required("driver") }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("features") { writer in
            writer.flag("acpi", acpi)
            if let apic { writer.element("apic") { $0.attribute("eoi", onOff: apic.endOfInterrupt) } }
            writer.flag("pae", pae)
            hyperV?.write(to: &writer)
            if let kvm {
                writer.element("kvm") {
                    $0.featureState("hidden", kvm.hidden)
                    $0.featureState("hint-dedicated", kvm.hintDedicated)
                    $0.featureState("poll-control", kvm.pollControl)
                    $0.featureState("pv-ipi", kvm.pvIPI)
                }
            }
            writer.featureState("pmu", pmu)
            writer.featureState("vmport", vmport)
            writer.featureState("smm", smm)
            writer.element("ioapic", "driver", ioapic)
        }
    }
}

extension ElementReader {
    /// Reads `<name state='on'/>`; without a state the feature is on.
    func featureState(_ name: String) -> Bool? {
        child(name).map { $0.onOff("state") ?? true }
    }
}

extension XMLWriter {
    mutating func featureState(_ name: String, _ state: Bool?) {
        if let state { element(name) { $0.attribute("state", onOff: state) } }
    }
}
