import Glibc
import Lodge

/// Starting and destroying one guest, beside QEMU started with the same arguments and killed.
struct Guests {
    let rounds: Int

    func measure(_ report: inout Report) async throws {
        var rows: [Row] = []
        try await Scratch.use("guests") { scratch, host in
            rows += try await plain(scratch, host)
            rows += try await withTap(scratch, host)
        }
        for row in rows { report.add(row) }
    }

    private func plain(_ scratch: Scratch, _ host: Host) async throws -> [Row] {
        let guest = try await host.define(Definition.guest("plain"))
        let bare = BareQEMU(arguments: try await arguments(of: guest))
        return try await pairs(
            guest, bare, scratch,
            [("start of a paused 64 MiB guest", .ratio(1.25)), ("destroy of it", .ratio(1.5))])
    }

    private func withTap(_ scratch: Scratch, _ host: Host) async throws -> [Row] {
        let network = try await host.defineNetwork(Definition.isolated(0))
        try await network.start()
        let bridge = try inside(scratch.namespace) { Int32(bitPattern: if_nametoindex("lbi0")) }
        let guest = try await host.define(
            Definition.guest(
                "plugged",
                devices: "<interface type='network'><source network='isolated0'/><model type='virtio'/></interface>"))
        var bare = BareQEMU(arguments: try await arguments(of: guest))
        bare.tap = { try BareTap.open("baretap", index: 1_000_001, bridge: bridge, mac: [0xfe, 0x54, 0, 1, 2, 3]) }
        return try await pairs(
            guest, bare, scratch,
            [("start of a guest with a tap on a bridge", .ratio(1.35)), ("destroy of it, with its tap", .ratio(1.5))])
    }

    private func arguments(of guest: Domain) async throws -> [String] {
        try await guest.start(StartOptions(paused: true))
        guard let pid = try await guest.info().pid else { throw Failure("the guest has no process") }
        let words = try BareQEMU.arguments(of: pid)
        try await guest.destroy()
        return words
    }

    private func pairs(
        _ guest: Domain, _ bare: BareQEMU, _ scratch: Scratch, _ works: [(name: String, limit: Limit?)]
    ) async throws -> [Row] {
        try await Paired(rounds: rounds).measure(works) {
            try inside(scratch.namespace) { try bare.run(in: scratch.work) }
        } ours: {
            [
                try await milliseconds { try await guest.start(StartOptions(paused: true)) },
                try await milliseconds { try await guest.destroy() },
            ]
        }
    }
}
