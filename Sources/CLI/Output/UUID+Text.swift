import FoundationEssentials

extension UUID {
    /// As libvirt writes it.
    var lowercased: String { uuidString.lowercased() }
}
