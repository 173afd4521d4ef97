/// What a Windows guest is told to speed it up: `<hyperv>`.
public struct HyperVDefinition: Sendable, Hashable {
    public enum Mode: String, XMLValue, CaseIterable, Sendable {
        case custom
        /// All that the host supports.
        case passthrough
    }

    /// An enlightenment that is on or off and nothing more, in libvirt's order.
    public enum Switch: String, CaseIterable, Sendable {
        case relaxed, vapic, vpindex, runtime, synic, reset, frequencies, reenlightenment, tlbflush, ipi, evmcs, avic
    }

    public struct Spinlocks: Sendable, Hashable {
        public var isOn: Bool
        /// At least 4095; `nil`: the default.
        public var retries: UInt32?

        public init(isOn: Bool = true, retries: UInt32? = nil) {
            self.isOn = isOn
            self.retries = retries
        }
    }

    public struct SyntheticTimers: Sendable, Hashable {
        public var isOn: Bool
        public var direct: Bool?

        public init(isOn: Bool = true, direct: Bool? = nil) {
            self.isOn = isOn
            self.direct = direct
        }
    }

    public struct VendorID: Sendable, Hashable {
        public var isOn: Bool
        /// At most 12 bytes, no comma.
        public var value: String?

        public init(isOn: Bool = true, value: String? = nil) {
            self.isOn = isOn
            self.value = value
        }
    }

    public var mode: Mode?
    /// What is said of each switch; the others are off.
    public var switches: [Switch: Bool] = [:]
    public var spinlocks: Spinlocks?
    public var syntheticTimers: SyntheticTimers?
    public var vendorID: VendorID?

    public init() {}
}

extension HyperVDefinition {
    init(_ reader: ElementReader) throws(LodgeError) {
        mode = reader.attribute("mode")
        for name in Switch.allCases {
            if let state = reader.featureState(name.rawValue) { switches[name] = state }
        }
        spinlocks = reader.child("spinlocks") { element throws(LodgeError) in
            Spinlocks(
                isOn: element.onOff("state") ?? true, retries: element.attribute("retries", in: 4095...UInt32.max))
        }
        syntheticTimers = reader.child("stimer") { element throws(LodgeError) in
            SyntheticTimers(isOn: element.onOff("state") ?? true, direct: element.featureState("direct"))
        }
        vendorID = reader.child("vendor_id") { element throws(LodgeError) in
            let value = element.attribute("value")
            if let value, value.utf8.count > 12 || value.utf8.contains(UInt8(ascii: ",")) {
                element.record(
                    "'\(excerpt(value))' is not a vendor id", hint: "use at most 12 characters and no comma",
                    attribute: "value")
            }
            return VendorID(isOn: element.onOff("state") ?? true, value: value)
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("hyperv") { writer in
            writer.attribute("mode", mode)
            for name in Switch.allCases { writer.featureState(name.rawValue, switches[name]) }
            if let spinlocks {
                writer.element("spinlocks") {
                    $0.attribute("state", onOff: spinlocks.isOn)
                    $0.attribute("retries", spinlocks.retries)
                }
            }
            if let syntheticTimers {
                writer.element("stimer") {
                    $0.attribute("state", onOff: syntheticTimers.isOn)
                    $0.featureState("direct", syntheticTimers.direct)
                }
            }
            if let vendorID {
                writer.element("vendor_id") {
                    $0.attribute("state", onOff: vendorID.isOn)
                    $0.attribute("value", vendorID.value)
                }
            }
        }
    }
}
