import Glibc
import Lodge

/// Starting and destroying networks, beside the same steps in the kernel made by hand.
struct Networks {
    let rounds: Int

    func measure(_ report: inout Report) async throws {
        var rows: [Row] = []
        try await Scratch.use("networks") { scratch, host in
            let mac: [UInt8] = [0x52, 0x54, 0, 0xaa, 0xbb, 0xcc]
            var isolated = BareNetwork(bridge: "lbi0", index: 2_000_001, mac: mac, address: [10, 100, 0, 1])
            isolated.filter = RawFilter(table: "bare", bridge: "lbi0")
            rows += try await pairs(
                "an isolated network", isolated, try await host.defineNetwork(Definition.isolated(0)), scratch)

            let network = try await host.defineNetwork(Definition.translated(0))
            var translated = BareNetwork(bridge: "lbn0", index: 2_000_002, mac: mac, address: [10, 120, 0, 1])
            translated.filter = RawFilter(table: "bare", bridge: "lbn0", translated: [10, 120, 0])
            translated.forwards = true
            translated.server = try await server(of: network, scratch)
            rows += try await pairs("a nat network with DHCP", translated, network, scratch)

            let open = BareNetwork(bridge: "lbo0", index: 2_000_003, mac: mac, address: [10, 110, 0, 1])
            rows += try await pairs("an open network", open, try await host.defineNetwork(Definition.open(0)), scratch)
        }
        for row in rows { report.add(row) }
    }

    private func pairs(
        _ name: String, _ bare: BareNetwork, _ network: Network, _ scratch: Scratch
    ) async throws -> [Row] {
        try await Paired(rounds: rounds).measure([
            ("start of \(name)", .ratio(1.3)), ("destroy of it", .ratio(1.3)),
        ]) {
            try inside(scratch.namespace) { try bare.run() }
        } ours: {
            [
                try await milliseconds { try await network.start() },
                try await milliseconds { try await network.destroy() },
            ]
        }
    }

    /// dnsmasq as Lodge starts it, with files of its own.
    private func server(of network: Network, _ scratch: Scratch) async throws -> [String] {
        try await network.start()
        guard let pid = try await network.info().pid else { throw Failure("the network has no server") }
        let words = try BareQEMU.arguments(of: pid).map { word in
            guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return word }
            let (option, value) = (word[..<equals], word[word.index(after: equals)...])
            let path = "\(scratch.work)/\(option.dropFirst(2))"
            if option == "--conf-file" {
                try write(String(decoding: try contents(String(value)), as: UTF8.self), to: path)
            }
            return "\(option)=\(path)"
        }
        try await network.destroy()
        return words
    }
}
