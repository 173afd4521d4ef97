import LodgeCore

/// Network cards.
extension CommandLine {
    mutating func writeInterface(_ interface: InterfaceDefinition, _ index: Int) throws(LodgeError) {
        let name = interface.alias ?? "net\(index)"
        let peer = "host\(name)"
        if let tap = taps[index] {
            list.add(
                "-netdev",
                [
                    "type": "tap", "id": .string(peer), "fd": .string("\(tap)"),
                    "vhost": .flag(usesKernel(interface) ? true : nil),
                ])
        } else {
            guard interface.source == .user else {
                throw LodgeError(
                    .invalidState, "the network card \(index) has no tap",
                    object: ObjectReference(.domain, definition.name))
            }
            list.add("-netdev", ["type": "user", "id": .string(peer)])
        }
        let model = interface.model ?? .virtio
        var card = try place(interface.address, "the network card \(index)")
        card["driver"] = .string(Self.driver(model))
        card["id"] = .string(name)
        card["netdev"] = .string(peer)
        card["mac"] = .text(interface.mac?.description)
        card["bootindex"] = .count(bootIndexes.interface(index))
        if model == .virtio {
            card["host_mtu"] = .count(interface.mtu)
            card["rx_queue_size"] = .count(interface.driver?.receiveQueueSize)
            card["tx_queue_size"] = .count(interface.driver?.transmitQueueSize)
        }
        list.add("-device", card)
        if interface.linkState == .down {
            finish.append(.init(command: "set_link", arguments: ["name": .string(name), "up": false]))
        }
    }

    /// Whether the kernel moves the packets. With KVM it does unless told otherwise, and QEMU does it itself where
    /// `/dev/vhost-net` cannot be opened.
    private func usesKernel(_ interface: InterfaceDefinition) -> Bool {
        guard interface.model == .virtio else { return false }
        return switch interface.driver?.backend {
        case .vhost: true
        case .qemu: false
        case nil: definition.kind == .kvm
        }
    }

    /// QEMU's name of a card.
    static func driver(_ model: InterfaceDefinition.Model) -> String {
        model == .virtio ? "virtio-net-pci" : model.rawValue
    }
}
