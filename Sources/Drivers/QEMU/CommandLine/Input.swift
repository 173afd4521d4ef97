import LodgeCore

/// Keyboards, mice and tablets. PS/2 ones are part of the machine.
extension CommandLine {
    mutating func writeInput(_ input: InputDefinition, _ index: Int) throws(LodgeError) {
        let name = JSONValue.string(input.alias ?? "input\(index)")
        switch input.bus {
        case .ps2: return
        case .usb:
            guard case .usb(let address)? = input.address else {
                throw LodgeError(
                    .invalidState, "the input device \(index) has no USB address",
                    object: ObjectReference(.domain, definition.name))
            }
            let driver: JSONValue =
                switch input.kind {
                case .tablet: "usb-tablet"
                case .mouse: "usb-mouse"
                case .keyboard: "usb-kbd"
                }
            list.add(
                "-device",
                [
                    "driver": driver, "id": name, "bus": .string("\(Self.usbBus(address.bus)).0"),
                    "port": .string(address.port),
                ])
        case .virtio:
            let driver: JSONValue =
                switch input.kind {
                case .tablet: "virtio-tablet-pci"
                case .mouse: "virtio-mouse-pci"
                case .keyboard: "virtio-keyboard-pci"
                }
            list.add(
                "-device",
                try place(input.address?.pci, "the input device \(index)").with(["driver": driver, "id": name]))
        }
    }
}
