/// The place of a function on a PCI bus: `domain:bus:slot.function`.
public struct PCIAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 0 to 0xFFFF.
    public var domain: UInt16
    /// 0 to 255: in a guest's definition the index of the PCI controller that carries the bus.
    public var bus: UInt8
    /// 0 to 31.
    public var slot: UInt8
    /// 0 to 7.
    public var function: UInt8
    /// Whether function 0 announces further functions of the same slot; `nil` when the definition does not say.
    public var multifunction: Bool?

    /// - Returns: `nil` when the slot is above 31 or the function above 7.
    public init?(domain: UInt16 = 0, bus: UInt8, slot: UInt8, function: UInt8 = 0, multifunction: Bool? = nil) {
        guard slot <= 31, function <= 7 else { return nil }
        self.domain = domain
        self.bus = bus
        self.slot = slot
        self.function = function
        self.multifunction = multifunction
    }

    /// As the kernel and lspci write it: `0000:00:1f.2`; the domain may be left out.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, let last = parts.last else { return nil }
        let device = last.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard device.count == 2, let slot = UInt8(hexDigits: device[0]), let function = UInt8(hexDigits: device[1]),
            let bus = UInt8(hexDigits: parts[parts.count - 2]),
            let domain = parts.count == 3 ? UInt16(hexDigits: parts[0]) : 0
        else { return nil }
        self.init(domain: domain, bus: bus, slot: slot, function: function)
    }

    /// The same slot's function 0, without a word on multifunction: what decides whether a slot is taken.
    public var slotAddress: PCIAddress {
        var address = self
        address.function = 0
        address.multifunction = nil
        return address
    }

    public var description: String {
        "\(hexadecimal(domain, digits: 4)):\(hexadecimal(bus, digits: 2)):\(hexadecimal(slot, digits: 2)).\(function)"
    }

    public static func < (one: PCIAddress, other: PCIAddress) -> Bool {
        (one.domain, one.bus, one.slot, one.function) < (other.domain, other.bus, other.slot, other.function)
    }
}

extension PCIAddress {
    /// Reads the attributes of an element that holds a PCI address; `type` is for the caller.
    public init(_ reader: ElementReader) throws(LodgeError) {
        func part<Number: FixedWidthInteger>(_ name: String, upTo limit: Number) throws(LodgeError) -> Number? {
            guard let text = reader.attribute(name) else { return nil }
            guard let value = Number(hexOrDecimal: text), value <= limit else {
                throw reader.error(
                    "'\(excerpt(text))' as @\(name) of <\(reader.name)> is not a number from 0x0 to "
                        + "0x\(hexadecimal(limit, digits: 1))", attribute: name)
            }
            return value
        }
        domain = try part("domain", upTo: .max) ?? 0
        bus = try part("bus", upTo: .max) ?? 0
        slot = try part("slot", upTo: 31) ?? 0
        function = try part("function", upTo: 7) ?? 0
        multifunction = reader.onOff("multifunction")
    }

    /// Writes the attributes, as libvirt does.
    public func writeAttributes(to writer: inout XMLWriter) {
        writer.attribute("domain", "0x" + hexadecimal(domain, digits: 4))
        writer.attribute("bus", "0x" + hexadecimal(bus, digits: 2))
        writer.attribute("slot", "0x" + hexadecimal(slot, digits: 2))
        writer.attribute("function", "0x" + hexadecimal(function, digits: 1))
        writer.attribute("multifunction", onOff: multifunction)
    }
}
