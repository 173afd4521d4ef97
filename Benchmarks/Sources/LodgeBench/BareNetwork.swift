import Glibc

/// A network made by hand, with the same steps in the kernel that its definition needs: bridge, addresses, rules,
/// forwarding, server.
struct BareNetwork {
    var bridge: String
    var index: Int32
    var mac: [UInt8]
    /// With a length of 24.
    var address: [UInt8]?
    var filter: RawFilter?
    var forwards = false
    /// dnsmasq with its arguments.
    var server: [String]?

    /// Milliseconds to start and to destroy it.
    func run() throws -> [Double] {
        var process: Spawned?
        let start = try milliseconds {
            let links = try RawNetlink()
            try links.createBridge(bridge, index: index, mac: mac)
            try write("1", to: "/proc/sys/net/ipv6/conf/\(bridge)/disable_ipv6")
            if let address { try links.addAddress(address, length: 24, index: index) }
            try links.setUp(index, alias: "bare")
            if forwards { try write("1", to: "/proc/sys/net/ipv4/ip_forward") }
            if let filter { try filter.create(try RawNetlink(RawNetlink.netfilter)) }
            if let server { process = try serve(server) }
        }
        let destroy = try milliseconds {
            process?.end()
            if let filter { try filter.delete(try RawNetlink(RawNetlink.netfilter)) }
            if forwards { try write("0", to: "/proc/sys/net/ipv4/ip_forward") }
            try RawNetlink().deleteLink(index)
        }
        return [start, destroy]
    }

    /// Until it has closed its standard error, which it does when its sockets are bound.
    private func serve(_ words: [String]) throws -> Spawned {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Failure(errno: "cannot make a pipe") }
        let (reading, writing) = (far(ends[0]), far(ends[1]))
        defer { close(reading) }
        let process = try Spawned(words, standardError: writing)
        close(writing)
        var byte: UInt8 = 0
        while read(reading, &byte, 1) > 0 {}
        return process
    }
}
