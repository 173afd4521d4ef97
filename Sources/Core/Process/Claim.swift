import CLinux
import Glibc
import SystemPackage

/// Something of the host that a guest has for itself, or shares only with those that share it: a disk, a TCP port.
///
/// A claim is a lock on one byte of a file that all of a root's guests have in common. QEMU holds it without knowing
/// of it, so it lasts exactly as long as QEMU, whoever started it, and nothing has to be cleaned up.
public struct Claim: Sendable, Hashable {
    /// The byte that stands for it.
    let offset: Int64
    public let exclusive: Bool
    /// For messages: "the disk '/srv/a.img'".
    public let what: String

    /// - Parameter key: names the thing, the same for all that claim it: `disk:8:1234`.
    public init(_ key: String, exclusive: Bool, what: String) {
        // FNV-1a. Two keys on one byte would only refuse what could be granted; among 2^62 that does not happen.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in key.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        offset = Int64(hash >> 2)
        self.exclusive = exclusive
        self.what = what
    }

    /// Whether somebody has it already, in a way that ours would not go with.
    public func isTaken(in path: String) throws(LodgeError) -> Bool {
        switch attempt({ unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) }) {
        case .success(let number):
            let file = OwnedFD(taking: number)
            return try syscall("fcntl", "cannot examine the claims in '\(path)'") {
                lodge_ofd_byte_held(file.raw, offset, exclusive ? 1 : 0)
            } == 1
        case .failure(.noSuchFileOrDirectory): return false
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot open the claims '\(path)'", cause: .errno(errno, call: "open"))
        }
    }
}

extension Claim {
    /// The claim on a disk, by the file or block device behind the path, whatever link or node leads there; nil when
    /// there is none.
    ///
    /// - Returns: the claim, and how a record names the disk.
    public static func disk(_ path: String, shared: Bool) throws(LodgeError) -> (claim: Claim, resource: Resource)? {
        guard let status = try FileStatus(path: path) else { return nil }
        let (device, inode) =
            status.isBlockDevice ? (0, status.special) : (status.identity.device, status.identity.inode)
        return (
            Claim("disk:\(device):\(inode)", exclusive: !shared, what: "the disk '\(path)'"),
            .disk(device: device, inode: inode, path: path, shared: shared)
        )
    }
}

extension LaunchSpec.ClaimsFile {
    /// Makes the file when there is none: it stays for as long as the boot.
    func makeFile() throws(LodgeError) {
        let path = path
        _ = OwnedFD(
            taking: try syscall("open", "cannot open the claims '\(path)'") {
                unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            })
    }
}

/// TCP ports of this host.
public enum TCPPort {
    /// Whether a port can be bound right now. True too for an address that is a name: whoever binds it will see.
    public static func isFree(_ port: UInt16, address: String) -> Bool {
        unsafe lodge_tcp_port_is_free(address, port) != 0
    }
}
