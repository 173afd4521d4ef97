import LodgeCore

/// In which order firmware tries the devices: `<boot order='…'/>` of each, or `<boot dev='…'/>` of the whole guest,
/// which means the first device of each kind that it names.
struct BootIndexes: Sendable, Hashable {
    private var disks: [Int: UInt16] = [:]
    private var interfaces: [Int: UInt16] = [:]

    init(_ definition: DomainDefinition) {
        let devices = definition.devices
        guard devices.bootOrders.isEmpty else {
            for (index, disk) in devices.disks.enumerated() { disks[index] = disk.bootOrder }
            for (index, interface) in devices.interfaces.enumerated() { interfaces[index] = interface.bootOrder }
            return
        }
        // A kernel given directly is started by the firmware itself; devices come after it.
        var next: UInt16 = 1
        for device in definition.os.bootDevices {
            switch device {
            case .hd:
                guard let index = devices.disks.firstIndex(where: { $0.device == .disk }), disks[index] == nil
                else { continue }
                disks[index] = next
            case .cdrom:
                guard let index = devices.disks.firstIndex(where: { $0.device == .cdrom }), disks[index] == nil
                else { continue }
                disks[index] = next
            case .network:
                guard !devices.interfaces.isEmpty, interfaces[0] == nil else { continue }
                interfaces[0] = next
            case .fd: continue
            }
            next += 1
        }
    }

    func disk(_ index: Int) -> UInt16? { disks[index] }
    func interface(_ index: Int) -> UInt16? { interfaces[index] }
}
