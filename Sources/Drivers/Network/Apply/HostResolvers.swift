import LodgeCore

/// The DNS servers of the host, as `/etc/resolv.conf` has them when a network starts (resolv.conf(5)).
///
/// dnsmasq is given them once: watching the file itself would cost an inotify instance a network, of which a user has
/// 128.
enum HostResolvers {
    static func read() -> [IPAddress] {
        // Without it, or with one that cannot be read, names outside the network are not answered; no reason to fail.
        guard let bytes = try? AtomicFile.read("/etc/resolv.conf", limit: 64 << 10) else { return [] }
        return parse(bytes)
    }

    /// At most eight; addresses with a zone are passed over.
    static func parse(_ bytes: [UInt8]) -> [IPAddress] {
        var servers: [IPAddress] = []
        for line in bytes.split(separator: 10) {
            let words = String(decoding: line, as: UTF8.self).split(whereSeparator: { $0 == " " || $0 == "\t" })
            guard words.count >= 2, words[0] == "nameserver", let address = IPAddress(String(words[1])),
                !servers.contains(address), servers.count < 8
            else { continue }
            servers.append(address)
        }
        return servers
    }
}
