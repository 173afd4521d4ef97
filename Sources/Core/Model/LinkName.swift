/// The rule for names of network links.
public enum LinkName {
    /// Bytes of a name: IFNAMSIZ without the final NUL.
    public static let limit = 15

    /// Whether a name works everywhere.
    public static func isUsable(_ name: String) -> Bool { fault(in: name) == nil }

    /// Why a text is no name that works everywhere, as the end of a sentence about it; `nil` when it is one.
    ///
    /// Stricter than the kernel, which takes almost anything of 15 bytes: nft reads a trailing `*` as a wildcard, the
    /// kernel itself counts up where it finds `%d`, dnsmasq splits at commas, and `all` and `default` are something else
    /// under `/proc/sys/net`.
    public static func fault(in name: String) -> String? {
        if name.isEmpty { return "is empty" }
        if name.utf8.count > limit { return "is longer than \(limit) bytes" }
        if [".", "..", "all", "default"].contains(name) { return "is reserved" }
        if name.hasPrefix("-") { return "begins with '-'" }
        return PlainName.isPlain(name) ? nil : "holds a character other than letters, digits, '.', '-' and '_'"
    }

    static let hint = "use at most 15 letters, digits, '-', '_' and '.'"

    /// - Throws: `invalidArgument` when the text is no such name.
    public static func check(_ name: String) throws(LodgeError) {
        guard let fault = fault(in: name) else { return }
        throw LodgeError(.invalidArgument, "the link name '\(excerpt(name))' \(fault)", hint: hint)
    }

    /// An ifindex to make a link with: one of 2³⁰, so that a namespace's own counting, which begins at 1, and other
    /// namespaces do not meet it, and a record that names it means this link and no later one.
    public static func randomIndex() -> Int32 { Int32.random(in: 0x1000_0000...0x4fff_ffff) }
}
