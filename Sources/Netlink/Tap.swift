import CLinux
import Glibc
public import LodgeCore
import SystemPackage

/// Makes taps: Ethernet interfaces whose other end is a descriptor.
public enum Tap {
    /// Opens a tap that lives as long as its descriptor, in the calling thread's namespace.
    ///
    /// - Parameters:
    ///   - name: checked by ``LinkName``.
    ///   - index: the ifindex it shall have, chosen beforehand (``LinkName/randomIndex()``).
    ///   - multiqueue: more than one queue will be opened.
    /// - Throws: `missingDependency` without /dev/net/tun, `permission` without CAP_NET_ADMIN in this namespace, `busy`
    ///   when the name or the ifindex is taken. Source: the kernel's Documentation/networking/tuntap.rst.
    public static func open(name: String, index: Int32, multiqueue: Bool = false) throws(LodgeError) -> OwnedFD {
        try LinkName.check(name)
        let device = "/dev/net/tun"
        let raw: CInt
        switch attempt({ unsafe Glibc.open(device, O_RDWR | O_CLOEXEC | O_NONBLOCK) }) {
        case .success(let descriptor): raw = descriptor
        case .failure(let errno): throw unavailable(device, errno)
        }
        let descriptor = OwnedFD(taking: raw)
        var number = UInt32(bitPattern: index)
        try syscall("ioctl(TUNSETIFINDEX)", "cannot choose the ifindex of the tap '\(name)'") {
            unsafe ioctl(raw, Request.setIndex, &number)
        }
        // struct ifreq: sixteen bytes of name, then a union that begins with the flags.
        var request = [UInt8](repeating: 0, count: 40)
        request.replaceSubrange(0..<name.utf8.count, with: Array(name.utf8))
        let flags = Request.tap | Request.noPacketInfo | Request.vnetHeader | (multiqueue ? Request.multiqueue : 0)
        unsafe withUnsafeBytes(of: flags) { unsafe request.replaceSubrange(16..<18, with: $0) }
        let result = attempt { unsafe ioctl(raw, Request.setInterface, &request) }
        if case .failure(let errno) = result { throw refused(name, errno) }
        return descriptor
    }

    private enum Request {
        static let setInterface: UInt = 0x4004_54ca
        static let setIndex: UInt = 0x4004_54da
        static let tap: UInt16 = 0x0002
        static let noPacketInfo: UInt16 = 0x1000
        static let vnetHeader: UInt16 = 0x4000
        static let multiqueue: UInt16 = 0x0100
    }

    private static func unavailable(_ device: String, _ errno: Errno) -> LodgeError {
        let cause = LodgeError.Cause.errno(errno, call: "open")
        switch errno {
        case .noSuchFileOrDirectory, Errno(rawValue: ENODEV), .noSuchAddressOrDevice:
            return LodgeError(
                .missingDependency, "\(device) is missing, so no tap can be made", cause: cause,
                hint: "Load the module with 'modprobe tun', or pass the device into the container")
        case .permissionDenied, .notPermitted:
            return LodgeError(
                .permission, "no right to open \(device), so no tap can be made", cause: cause,
                hint: "Run as root, or give this user read and write access to \(device)")
        default:
            return LodgeError(.init(errno), "cannot open \(device)", cause: cause)
        }
    }

    private static func refused(_ name: String, _ errno: Errno) -> LodgeError {
        let cause = LodgeError.Cause.errno(errno, call: "ioctl(TUNSETIFF)")
        switch errno {
        case .notPermitted, .permissionDenied:
            return LodgeError(
                .permission, "no right to make the tap '\(name)' in this network namespace", cause: cause,
                hint: "Run as root, or inside a user and network namespace of your own")
        case .resourceBusy, .fileExists, .invalidArgument:
            return LodgeError(
                .busy, "the interface name '\(name)' or its ifindex is taken", cause: cause,
                hint: "Leave out <target dev='…'> and a free name is chosen")
        default:
            return LodgeError(.init(errno), "cannot make the tap '\(name)'", cause: cause)
        }
    }
}
