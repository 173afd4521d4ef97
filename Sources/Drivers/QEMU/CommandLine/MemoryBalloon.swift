import LodgeCore

/// The memory balloon, which also brings a guest down to `<currentMemory>`.
extension CommandLine {
    mutating func writeMemoryBalloon(_ balloon: MemoryBalloonDefinition) throws(LodgeError) {
        guard balloon.model == .virtio else { return }
        let name = balloon.alias ?? "balloon0"
        list.add(
            "-device",
            try place(balloon.address, "the memory balloon").with([
                "driver": "virtio-balloon-pci", "id": .string(name),
                "deflate-on-oom": .flag(balloon.autodeflate), "free-page-reporting": .flag(balloon.freePageReporting),
            ]))
        if let period = balloon.statisticsPeriod, period > 0 {
            finish.append(
                .init(
                    command: "qom-set",
                    arguments: [
                        "path": .string("/machine/peripheral/\(name)"), "property": "guest-stats-polling-interval",
                        "value": .integer(Int64(period)),
                    ]))
        }
        if let current = definition.currentMemory, current < definition.memory {
            finish.append(.init(command: "balloon", arguments: ["value": .integer(Int64(clamping: current.bytes))]))
        }
    }
}
