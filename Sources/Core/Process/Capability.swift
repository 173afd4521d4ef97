/// A right of a process (capabilities(7)), by the kernel's number.
public struct Capability: Sendable, Hashable {
    public let number: UInt8

    /// Nil for a number that no set has room for.
    public init?(number: UInt8) {
        guard number < 64 else { return nil }
        self.number = number
    }

    private init(_ number: UInt8) { self.number = number }

    public static let changeOwner = Capability(0)
    public static let overrideFilePermissions = Capability(1)
    public static let setGroupID = Capability(6)
    public static let setUserID = Capability(7)
    public static let bindLowPorts = Capability(10)
    public static let administerNetwork = Capability(12)
    public static let rawSockets = Capability(13)
}
