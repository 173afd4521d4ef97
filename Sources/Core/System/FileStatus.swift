import CLinux
import Glibc
import SystemPackage

/// What stat(2) says of a file, as far as it is used here.
struct FileStatus: Sendable {
    struct Identity: Sendable, Hashable {
        var device: UInt64
        var inode: UInt64
    }

    var identity: Identity
    var links: UInt64
    var size: UInt64
    var mode: UInt32
    var owner: UInt32
    /// Which device a device node stands for.
    var special: UInt64

    var isRegular: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
    var isBlockDevice: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFBLK) }
    var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }

    init(descriptor: CInt) throws(LodgeError) {
        var file = lodge_file()
        try syscall("fstat", "cannot examine an open file") { unsafe lodge_stat_fd(descriptor, &file) }
        self.init(file)
    }

    /// Nil when there is no such file.
    init?(path: String, followLinks: Bool = true) throws(LodgeError) {
        var file = lodge_file()
        switch attempt({ unsafe lodge_stat_path(path, followLinks ? 1 : 0, &file) }) {
        case .success: self.init(file)
        case .failure(.noSuchFileOrDirectory): return nil
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot examine '\(path)'", cause: .errno(errno, call: "stat"))
        }
    }

    private init(_ file: lodge_file) {
        identity = Identity(device: file.device, inode: file.inode)
        links = file.links
        size = file.size
        mode = file.mode
        owner = file.uid
        special = file.special
    }
}
