/// The rule for names of network links.
public enum LinkName {
    /// Bytes of a name: IFNAMSIZ without the final NUL.
    public static let limit = 15

    /// Whether a name works everywhere: the kernel takes `*`, `"` and `%d` too, but nft reads a trailing `*` as a
    /// wildcard, and the kernel itself counts up where it finds `%d`.
    public static func isUsable(_ name: String) -> Bool {
        guard (1...limit).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return PlainName.isPlain(name)
    }

    static let hint = "use at most 15 letters, digits, '-', '_' and '.'"
}
