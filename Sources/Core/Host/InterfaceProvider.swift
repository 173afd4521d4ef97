public import FoundationEssentials

/// What the QEMU driver asks of whoever makes a guest's network interfaces.
///
/// The Network driver answers it; neither driver knows the other. The three steps follow the order in which Lodge
/// works: name everything (``plan(_:context:)``), write the record, then make it (``attach(_:context:)``). Taking away
/// needs nothing but what the record names.
public protocol InterfaceProvider: Sendable {
    /// Names each outside resource of one interface and makes none.
    ///
    /// - Throws: `notFound` when the network or bridge does not exist; `invalidState`, naming the command that starts it,
    ///   when the network is not active.
    func plan(_ request: InterfaceRequest, context: OperationContext) throws(LodgeError) -> InterfacePlan

    /// Makes what the plan names and hands over the descriptors for QEMU.
    func attach(_ plan: InterfacePlan, context: OperationContext) throws(LodgeError) -> AttachedInterface

    /// Takes away what of these resources is still there and ours. Doing it twice changes nothing.
    func detach(_ resources: [Resource], context: OperationContext) throws(LodgeError)

    /// The networks among these interfaces that are defined and not active, for `start --with-networks`.
    func inactiveNetworks(of requests: [InterfaceRequest], context: OperationContext) throws(LodgeError) -> [String]
}

/// One interface of one guest, as its definition has it.
public struct InterfaceRequest: Sendable {
    public var domain: UUID
    public var domainName: String
    /// The interface's place in the definition, from 0.
    public var index: Int
    public var definition: InterfaceDefinition

    public init(domain: UUID, domainName: String, index: Int, definition: InterfaceDefinition) {
        self.domain = domain
        self.domainName = domainName
        self.index = index
        self.definition = definition
    }
}

/// What one interface is made of, decided before any of it is made.
public struct InterfacePlan: Sendable, Hashable {
    public var index: Int
    /// What the record must name before ``InterfaceProvider/attach(_:context:)``.
    public var resources: [Resource]
    /// The tap's name, nil where QEMU needs none (user networking).
    public var tapName: String?
    /// The bridge that the tap joins.
    public var bridge: String?
    public var mtu: UInt32?

    public init(
        index: Int, resources: [Resource] = [], tapName: String? = nil, bridge: String? = nil, mtu: UInt32? = nil
    ) {
        self.index = index
        self.resources = resources
        self.tapName = tapName
        self.bridge = bridge
        self.mtu = mtu
    }
}

/// The descriptors of a made interface. Closing them takes a tap away that no QEMU holds yet.
public struct AttachedInterface: ~Copyable, Sendable {
    public let tap: OwnedFD

    public init(tap: consuming OwnedFD) { self.tap = tap }

    /// Its descriptor alone.
    public consuming func takeTap() -> OwnedFD { tap }
}
