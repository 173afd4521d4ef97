import CLinux
import Glibc
import SystemPackage

/// Whole files: read with a bound, and replaced so that a reader sees the old or the new one and nothing between.
public enum AtomicFile {
    /// How the names of files begin that are being written. Never a definition, a record or anything else.
    public static let temporaryPrefix = ".tmp-"

    /// Reads a regular file of at most `limit` bytes. Nil when there is none.
    ///
    /// - Throws: `.corrupt` when it is larger or no regular file; the system's refusal otherwise.
    public static func read(_ path: String, limit: Int) throws(LodgeError) -> [UInt8]? {
        // O_NONBLOCK: a FIFO put in its place must not hang us.
        switch attempt({ unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }) {
        case .success(let number):
            let file = OwnedFD(taking: number)
            return try read(from: file.raw, limit: limit, name: path)
        case .failure(.noSuchFileOrDirectory): return nil
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot read '\(path)'", cause: .errno(errno, call: "open"))
        }
    }

    private static func read(from file: CInt, limit: Int, name: String) throws(LodgeError) -> [UInt8] {
        let status = try FileStatus(descriptor: file)
        guard status.isRegular else { throw LodgeError(.corrupt, "'\(name)' is not a regular file") }
        let tooLarge = LodgeError(.corrupt, "'\(name)' is larger than \(limit) bytes")
        guard status.size <= UInt64(clamping: limit) else { throw tooLarge }
        // Files in /proc say 0. One byte more than expected, so that one more read is not needed to see the end.
        var capacity = status.size == 0 ? min(limit, 4096) + 1 : Int(status.size) + 1
        var bytes: [UInt8] = []
        while true {
            var chunk = [UInt8](repeating: 0, count: capacity)
            let count = try syscall("read", "cannot read '\(name)'") {
                unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            }
            if bytes.isEmpty && count < capacity && count == Int(clamping: status.size) {
                chunk.removeLast(capacity - count)
                return chunk
            }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { throw tooLarge }
            bytes += chunk[..<count]
            capacity = 4096
        }
    }

    /// Replaces the file, or makes it: a new file in the same directory, renamed over the old one.
    ///
    /// - Parameters:
    ///   - mode: the new file's permissions, whatever the umask.
    ///   - durable: whether it must survive a loss of power from here on (fsync of the file and of its directory).
    public static func write(
        _ bytes: some Collection<UInt8>, to path: String, mode: UInt32 = 0o600, durable: Bool
    ) throws(LodgeError) {
        let (directory, _) = split(path)
        let file = try Temporary(in: directory, for: path)
        let temporary = file.path
        do throws(LodgeError) {
            try writeAll(Array(bytes), to: file.descriptor, name: path)
            try syscall("fchmod", "cannot set the permissions of '\(path)'") {
                Glibc.fchmod(file.descriptor, mode_t(mode & 0o7777))
            }
            if durable {
                try syscall("fsync", "cannot write '\(path)' to its disk") { Glibc.fsync(file.descriptor) }
            }
            try syscall("rename", "cannot replace '\(path)'") { unsafe Glibc.rename(temporary, path) }
        } catch {
            _ = attempt { unsafe Glibc.unlink(temporary) }
            throw error
        }
        if durable { try syncDirectory(directory) }
    }

    /// Whether there is something at a path.
    public static func exists(_ path: String) throws(LodgeError) -> Bool { try FileStatus(path: path) != nil }

    /// Removes a file. Whether there was one.
    @discardableResult
    public static func remove(_ path: String, durable: Bool = false) throws(LodgeError) -> Bool {
        switch attempt({ unsafe Glibc.unlink(path) }) {
        case .success: break
        case .failure(.noSuchFileOrDirectory): return false
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot remove '\(path)'", cause: .errno(errno, call: "unlink"))
        }
        if durable { try syncDirectory(split(path).directory) }
        return true
    }

    /// Removes what writers that were killed left in a directory. Safe beside living writers: they hold a lock on
    /// their temporary file.
    public static func removeLeftovers(in directory: String) throws(LodgeError) {
        for name in try Directory.names(of: directory) ?? [] where name.hasPrefix(temporaryPrefix) {
            let path = "\(directory)/\(name)"
            guard case .success(let number) = attempt({ unsafe Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) })
            else { continue }
            let file = OwnedFD(taking: number)
            guard case .success = attempt({ lodge_ofd_lock(file.raw, 1) }) else { continue }
            // Only now: between our open and our lock its writer may have finished and renamed it.
            let current = try FileStatus(path: path, followLinks: false)
            guard try FileStatus(descriptor: file.raw).identity == current?.identity else { continue }
            _ = attempt { unsafe Glibc.unlink(path) }
        }
    }

    /// The directory of a path and the name in it.
    static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = path[..<slash]
        return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
    }

    /// A new locked file with a name of its own.
    private struct Temporary: ~Copyable {
        let path: String
        private let file: OwnedFD
        var descriptor: CInt { file.raw }

        init(in directory: String, for target: String) throws(LodgeError) {
            while true {
                let name = "\(directory)/\(temporaryPrefix)\(String(UInt64.random(in: 0 ... .max), radix: 36))"
                let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
                switch attempt({ unsafe Glibc.open(name, flags, 0o600) }) {
                case .failure(.fileExists): continue
                case .failure(let errno):
                    throw LodgeError(.init(errno), "cannot write '\(target)'", cause: .errno(errno, call: "open"))
                case .success(let number):
                    let file = OwnedFD(taking: number)
                    // A cleaner that came between our open and our lock holds the lock or has removed the file.
                    switch attempt({ lodge_ofd_lock(number, 1) }) {
                    case .success: break
                    case .failure(.resourceTemporarilyUnavailable), .failure(.permissionDenied): continue
                    case .failure(let errno):
                        _ = attempt { unsafe Glibc.unlink(name) }
                        throw LodgeError(
                            .init(errno), "cannot lock a file beside '\(target)'", cause: .errno(errno, call: "fcntl"))
                    }
                    guard try FileStatus(descriptor: number).links > 0 else { continue }
                    self.path = name
                    self.file = file
                    return
                }
            }
        }
    }

    static func writeAll(_ bytes: [UInt8], to file: CInt, name: String) throws(LodgeError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try syscall("write", "cannot write '\(name)'") {
                unsafe rest.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    static func syncDirectory(_ path: String) throws(LodgeError) {
        let directory = OwnedFD(
            taking: try syscall("open", "cannot open '\(path)'") {
                unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            })
        try syscall("fsync", "cannot write '\(path)' to its disk") { Glibc.fsync(directory.raw) }
    }
}
