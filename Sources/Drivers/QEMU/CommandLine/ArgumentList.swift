import LodgeCore

/// QEMU's command line in the making. All text from outside goes through one of its typed writers, so a comma, a
/// quote or a line feed in a name or path reaches QEMU as it is and never becomes an option.
struct ArgumentList {
    private(set) var words: [String] = []

    /// An option with no value, or with one that QEMU takes as it stands (`-append`, `-kernel`, `-uuid`).
    mutating func add(_ option: String, _ value: String? = nil) {
        words.append(option)
        if let value { words.append(value) }
    }

    /// An option whose value is a JSON object: `-blockdev`, `-device`, `-netdev`, `-object`, `-audiodev`.
    mutating func add(_ option: String, _ object: [String: JSONValue?]) {
        words.append(option)
        words.append(JSONValue.object(object.compactMapValues { $0 }).text)
    }

    /// An option in QEMU's comma syntax: `head,key=value,…`. Commas in values are doubled, which is how that syntax
    /// writes them (QEMU's QemuOpts); keys are ours.
    mutating func add(_ option: String, _ head: String?, _ pairs: [(key: String, value: String?)]) {
        var parts: [String] = []
        if let head { parts.append(Self.escaped(head)) }
        for pair in pairs {
            guard let value = pair.value else { continue }
            parts.append("\(pair.key)=\(Self.escaped(value))")
        }
        words.append(option)
        words.append(parts.joined(separator: ","))
    }

    static func escaped(_ value: String) -> String {
        value.utf8.contains(UInt8(ascii: ","))
            ? value.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,") : value
    }
}

extension Bool {
    /// As QEMU's comma syntax writes it.
    var onOff: String { self ? "on" : "off" }
}

extension JSONValue {
    static func text(_ value: String?) -> JSONValue? { value.map { .string($0) } }
    static func count(_ value: (some BinaryInteger)?) -> JSONValue? { value.map { .integer(Int64(clamping: $0)) } }
    static func flag(_ value: Bool?) -> JSONValue? { value.map { .bool($0) } }
    /// For the many device properties that QEMU declares as on, off or auto.
    static func onOff(_ value: Bool?) -> JSONValue? { value.map { .string($0.onOff) } }
}
