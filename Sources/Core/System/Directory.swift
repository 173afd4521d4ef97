import CLinux
import Glibc
import SystemPackage

/// Directories: making, listing, removing.
public enum Directory {
    /// The names in a directory, without `.` and `..`, in no order. Nil when there is no such directory.
    public static func names(of path: String) throws(LodgeError) -> [String]? {
        guard let stream = unsafe Glibc.opendir(path) else {
            let errno = Errno(rawValue: Glibc.errno)
            if errno == .noSuchFileOrDirectory { return nil }
            throw LodgeError(.init(errno), "cannot list '\(path)'", cause: .errno(errno, call: "opendir"))
        }
        defer { _ = unsafe Glibc.closedir(stream) }
        var names: [String] = []
        while true {
            Glibc.errno = 0
            guard let entry = unsafe Glibc.readdir(stream) else { break }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        let errno = Errno(rawValue: Glibc.errno)
        guard errno.rawValue == 0 else {
            throw LodgeError(.init(errno), "cannot list '\(path)'", cause: .errno(errno, call: "readdir"))
        }
        return names
    }

    /// Makes a directory that is ours alone (0700), and those above it as usual (0755). One that exists is left alone.
    public static func make(_ path: String) throws(LodgeError) {
        switch attempt({ unsafe Glibc.mkdir(path, 0o700) }) {
        case .success, .failure(.fileExists): return
        case .failure(.noSuchFileOrDirectory):
            let parent = AtomicFile.split(path).directory
            guard parent != path && parent != "." else { break }
            try makeAbove(parent)
            if case .success = attempt({ unsafe Glibc.mkdir(path, 0o700) }) { return }
        case .failure: break
        }
        try syscall("mkdir", "cannot make the directory '\(path)'") { unsafe Glibc.mkdir(path, 0o700) }
    }

    private static func makeAbove(_ path: String) throws(LodgeError) {
        if case .failure(.noSuchFileOrDirectory) = attempt({ unsafe Glibc.mkdir(path, 0o755) }) {
            let parent = AtomicFile.split(path).directory
            guard parent != path && parent != "." else { return }
            try makeAbove(parent)
            _ = attempt { unsafe Glibc.mkdir(path, 0o755) }
        }
    }

    /// Removes a directory with all in it, `last` as the last file. One that is not there is removed already.
    ///
    /// Symbolic links are removed, never followed.
    public static func remove(_ path: String, last: String? = nil) throws(LodgeError) {
        guard let names = try names(of: path) else { return }
        for name in names where name != last { try removeEntry("\(path)/\(name)") }
        if let last { try AtomicFile.remove("\(path)/\(last)") }
        switch attempt({ unsafe Glibc.rmdir(path) }) {
        case .success, .failure(.noSuchFileOrDirectory): return
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot remove '\(path)'", cause: .errno(errno, call: "rmdir"))
        }
    }

    private static func removeEntry(_ path: String) throws(LodgeError) {
        switch attempt({ unsafe Glibc.unlink(path) }) {
        case .success, .failure(.noSuchFileOrDirectory): return
        case .failure(.isDirectory): try remove(path)
        case .failure(let errno):
            throw LodgeError(.init(errno), "cannot remove '\(path)'", cause: .errno(errno, call: "unlink"))
        }
    }
}
