import LodgeCore

/// Video cards.
extension CommandLine {
    mutating func writeVideo(_ video: VideoDefinition, _ index: Int) throws(LodgeError) {
        let isPrimary = video.isPrimary ?? (index == 0)
        var card: [String: JSONValue?]
        switch video.model {
        case .none: return
        case .ramfb: card = ["driver": "ramfb"]
        case .vga: card = try place(video.address, "the video card \(index)").with(["driver": "VGA"])
        case .cirrus: card = try place(video.address, "the video card \(index)").with(["driver": "cirrus-vga"])
        case .bochs: card = try place(video.address, "the video card \(index)").with(["driver": "bochs-display"])
        case .virtio:
            card = try place(video.address, "the video card \(index)").with([
                "driver": isPrimary ? "virtio-vga" : "virtio-gpu-pci", "max_outputs": .count(video.heads),
            ])
        }
        switch video.model {
        case .vga: card["vgamem_mb"] = .count(video.videoMemory.map { Self.mebibytes($0, in: 1...512) })
        // libvirt's customary 9 MiB is none of the sizes that the card comes in.
        case .cirrus: card["vgamem_mb"] = .count(video.videoMemory.map { Self.mebibytes($0, in: 4...16) })
        case .bochs: card["vgamem"] = .count(video.videoMemory.map { Self.mebibytes($0, in: 4...256) << 20 })
        case .virtio, .ramfb, .none: break
        }
        if let resolution = video.resolution, video.model != .cirrus, video.model != .ramfb {
            card["xres"] = .count(resolution.width)
            card["yres"] = .count(resolution.height)
        }
        card["id"] = .string(video.alias ?? "video\(index)")
        list.add("-device", card)
    }

    /// QEMU wants a power of two; what is asked for is rounded up to it, within what the card can have.
    private static func mebibytes(_ kibibytes: UInt32, in range: ClosedRange<UInt32>) -> UInt32 {
        var size = range.lowerBound
        while size < range.upperBound, size < kibibytes / 1024 + (kibibytes % 1024 == 0 ? 0 : 1) { size *= 2 }
        return size
    }
}
