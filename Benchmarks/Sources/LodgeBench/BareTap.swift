import Glibc

/// A tap on a bridge, by ioctl and one netlink message.
enum BareTap {
    static func open(_ name: String, index: Int32, bridge: Int32, mac: [UInt8]) throws -> Int32 {
        let file = Glibc.open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw Failure(errno: "cannot open /dev/net/tun") }
        var number = UInt32(bitPattern: index)
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: Array(name.utf8))
        // IFF_TAP, IFF_NO_PI and IFF_VNET_HDR.
        request.replaceSubrange(16..<18, with: raw(UInt16(0x5002)))
        guard ioctl(file, 0x4004_54da, &number) == 0, ioctl(file, 0x4004_54ca, &request) == 0 else {
            close(file)
            throw Failure(errno: "cannot make the tap \(name)")
        }
        try RawNetlink().setUp(index, master: bridge, mac: mac)
        return file
    }
}
