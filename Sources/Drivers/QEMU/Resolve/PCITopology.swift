import LodgeCore

/// The PCI buses of a guest and what is taken on them.
struct PCITopology {
    typealias Model = ControllerDefinition.PCI.Model

    /// What kind of place a device needs.
    enum Need: Hashable {
        /// PCI Express, or virtio: a root port of its own where there are such.
        case express
        /// Plain PCI.
        case conventional
        /// A part of the chipset: directly on the root bus.
        case integrated
    }

    struct Bus {
        var model: Model
        /// By slot, what functions are taken.
        var taken: [UInt8: Set<UInt8>] = [:]

        /// Slots that a device can have, by what may be there.
        var slots: ClosedRange<UInt8> {
            switch model {
            case .pcieRootPort: 0...0
            // Slot 31 is the chipset's, which has its SATA controller there.
            case .pcieRoot: 1...31
            case .pciRoot: 1...31
            // Slot 0 is kept as libvirt keeps it: the bridge's own hot-plug controller counts it.
            case .pciBridge, .pcieToPCIBridge, .dmiToPCIBridge: 1...31
            }
        }

        var isConventional: Bool {
            switch model {
            case .pciRoot, .pciBridge, .pcieToPCIBridge, .dmiToPCIBridge: true
            case .pcieRoot, .pcieRootPort: false
            }
        }
    }

    private(set) var buses: [UInt8: Bus] = [:]

    mutating func addBus(_ index: UInt8, _ model: Model) {
        if buses[index] == nil { buses[index] = Bus(model: model) }
    }

    /// Takes a place; false when it is taken already.
    mutating func take(_ address: PCIAddress) -> Bool {
        buses[address.bus]?.taken[address.slot, default: []].insert(address.function).inserted ?? false
    }

    func isFree(bus: UInt8, slot: UInt8) -> Bool { buses[bus]?.taken[slot] == nil }

    func functions(bus: UInt8, slot: UInt8) -> Set<UInt8> { buses[bus]?.taken[slot] ?? [] }

    /// The lowest bus of plain PCI with a free slot, and that slot.
    func freeConventionalSlot() -> PCIAddress? {
        for (index, bus) in buses.sorted(by: { $0.key < $1.key }) where bus.isConventional {
            // A PC's slot 1 is its chipset's, slot 2 is kept for a graphics card.
            let first = bus.model == .pciRoot ? 3 : bus.slots.lowerBound
            for slot in first...bus.slots.upperBound where bus.taken[slot] == nil {
                return PCIAddress(bus: index, slot: slot)
            }
        }
        return nil
    }

    var freeConventionalSlots: Int {
        buses.values.filter(\.isConventional).reduce(0) { sum, bus in
            let first = bus.model == .pciRoot ? 3 : bus.slots.lowerBound
            return sum + (first...bus.slots.upperBound).count { bus.taken[$0] == nil }
        }
    }

    /// The lowest root port that nothing is plugged into.
    func freeRootPort() -> PCIAddress? {
        let free = buses.filter { $0.value.model == .pcieRootPort && $0.value.taken.isEmpty }
        return free.keys.min().flatMap { PCIAddress(bus: $0, slot: 0) }
    }

    /// A free slot of the root bus. Slot 1 of a q35 is kept for a graphics card, slots from 0x1a for the chipset.
    func freeRootSlot() -> PCIAddress? {
        guard let root = buses[0] else { return nil }
        let usual: ClosedRange<UInt8> = root.model == .pcieRoot ? 2...0x19 : 3...31
        let slots = Array(usual) + (root.model == .pcieRoot ? [0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 1] : [])
        return slots.first { root.taken[$0] == nil }.flatMap { PCIAddress(bus: 0, slot: $0) }
    }

    func freeBusIndex() -> UInt8? { (1...UInt8.max).first { buses[$0] == nil } }
}
