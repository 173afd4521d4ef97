import LodgeCore

/// Random number devices.
extension CommandLine {
    mutating func writeRNG(_ rng: RNGDefinition, _ index: Int) throws(LodgeError) {
        let name = rng.alias ?? "rng\(index)"
        let source: [String: JSONValue?] =
            switch rng.backend {
            case .random(let path): ["qom-type": "rng-random", "filename": .string(path)]
            case .builtin: ["qom-type": "rng-builtin"]
            }
        list.add("-object", source.with(["id": .string("obj\(name)")]))
        list.add(
            "-device",
            try place(rng.address, "the random number device \(index)").with([
                "driver": "virtio-rng-pci", "id": .string(name), "rng": .string("obj\(name)"),
                "max-bytes": .count(rng.rate?.bytes),
                // QEMU counts the period of the rate in milliseconds, as libvirt does; both default to a second.
                "period": .count(rng.rate.map { $0.period ?? 1000 }),
            ]))
    }
}
