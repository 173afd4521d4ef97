/// The rule for names of network links.
public enum LinkName {
    /// Bytes of a name: IFNAMSIZ without the final NUL.
    public static let limit = 15

    /// Whether a name works everywhere: the kernel takes `*`, `"` and `%d` too, but nft reads a trailing `*` as a
    /// wildcard, and the kernel itself counts up where it finds `%d`.
    public static func isUsable(_ name: String) -> Bool {
        guard (1...limit).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    static let hint = "use at most 15 letters, digits, '-', '_' and '.'"
}
