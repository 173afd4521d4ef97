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
        case .vga, .cirrus:
            // QEMU counts whole MiB and wants a power of two, so does libvirt's <vram> in KiB.
            card["vgamem_mb"] = .count(video.videoMemory.map { max($0 / 1024, 1) })
        case .bochs: card["vgamem"] = .text(video.videoMemory.map { "\($0)k" })
        case .virtio, .ramfb, .none: break
        }
        if let resolution = video.resolution, video.model != .cirrus, video.model != .ramfb {
            card["xres"] = .count(resolution.width)
            card["yres"] = .count(resolution.height)
        }
        card["id"] = .string(video.alias ?? "video\(index)")
        list.add("-device", card)
    }
}
