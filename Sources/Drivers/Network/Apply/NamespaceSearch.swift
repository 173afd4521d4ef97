import FoundationEssentials
import LodgeCore

/// Looks for a process that lives in a network namespace, given the namespace's cookie.
enum NamespaceSearch {
    /// The pid of one, nil when none is found. Only for the rare case that somebody asks to destroy a network of
    /// another namespace: it opens every namespace that a process is in.
    static func process(in cookie: UInt64) -> Int? {
        var seen: Set<String> = []
        for name in (try? Directory.names(of: "/proc")) ?? [] {
            guard let pid = Int(name) else { continue }
            let path = "/proc/\(pid)/ns/net"
            guard let inode = try? FileManager.default.destinationOfSymbolicLink(atPath: path),
                seen.insert(inode).inserted, let namespace = try? NetworkNamespace.open(path: path)
            else { continue }
            if namespace.cookie == cookie { return pid }
        }
        return nil
    }
}
