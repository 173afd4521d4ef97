public import FoundationEssentials
public import LodgeCore
import LodgeQEMU

/// How a guest is started.
public struct StartOptions: Sendable, Hashable {
    /// Leave it paused before its first instruction.
    public var paused = false
    /// Start the networks that it needs and that are not active.
    public var withNetworks = false

    public init(paused: Bool = false, withNetworks: Bool = false) {
        self.paused = paused
        self.withNetworks = withNetworks
    }
}

extension Host {
    /// All guests, active ones by id, then the others by name. Reads records and leases only, so that a guest that
    /// hangs costs nothing.
    ///
    /// - Parameter titles: also read each definition for its title.
    public func domains(titles: Bool = false) async throws(LodgeError) -> [DomainSummary] {
        try await perform { (core, _) throws(LodgeError) in try core.domains.list(titles: titles) }
    }

    /// The guest with this id, name or UUID.
    ///
    /// - Throws: `notFound`.
    public func domain(_ key: String) async throws(LodgeError) -> Domain {
        handle(try await perform { (core, _) throws(LodgeError) in try core.domains.find(key) })
    }

    /// The guest with this UUID, as text or not.
    public func domain(uuid: UUID) async throws(LodgeError) -> Domain { try await domain(uuid.uuidString) }

    /// Keeps a definition, new or changed: addresses and defaults are decided once and stay. A running guest changes
    /// with its next start.
    ///
    /// - Parameters:
    ///   - xml: libvirt's domain XML, at most 16 MiB.
    ///   - file: what the text is called in errors.
    /// - Throws: `invalidXML` and `unsupported`, with line and column; `alreadyExists` when another guest has the name.
    public func define(xml: [UInt8], file: String) async throws(LodgeError) -> Domain {
        handle(
            try await perform { (core, context) throws(LodgeError) in
                try core.domains.define(xml: xml, file: file, context: context)
            })
    }

    /// Starts a guest that is gone when it stops.
    public func create(
        xml: [UInt8], file: String, options: StartOptions = StartOptions()
    ) async throws(LodgeError) -> Domain {
        handle(
            try await perform { (core, context) throws(LodgeError) in
                try core.create(xml: xml, file: file, options: options, context: context)
            })
    }

    /// The command line of QEMU for a definition that is not kept, the program first.
    public func nativeArguments(xml: [UInt8], file: String) async throws(LodgeError) -> [String] {
        try await perform { (core, context) throws(LodgeError) in
            try core.domains.nativeArguments(xml: xml, file: file, context: context)
        }
    }

    func handle(_ found: (uuid: UUID, name: String)) -> Domain {
        Domain(host: self, uuid: found.uuid, name: found.name)
    }
}
