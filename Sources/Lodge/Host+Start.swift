import FoundationEssentials
import LodgeCore
import LodgeNetwork
import LodgeQEMU

/// Starting guests, with the networks that they need.
extension Host {
    func start(_ uuid: UUID, _ options: StartOptions) async throws(LodgeError) {
        try await perform { (core, context) throws(LodgeError) in
            try core.startNetworks(of: uuid, options, context: context)
            try core.domains.start(uuid, paused: options.paused, context: context)
        }
    }
}

extension Host.Core {
    func create(
        xml: [UInt8], file: String, options: StartOptions, context: OperationContext
    ) throws(LodgeError) -> (uuid: UUID, name: String) {
        let definition = try domains.read(xml: xml, file: file, context: context)
        try startNetworks(of: definition, options, context: context)
        let record = try domains.create(definition, paused: options.paused, context: context)
        return (record.uuid, record.name)
    }

    /// The same for a kept definition, which is read only where it matters.
    func startNetworks(of uuid: UUID, _ options: StartOptions, context: OperationContext) throws(LodgeError) {
        guard options.withNetworks else { return }
        try startNetworks(of: try domains.keptDefinition(of: uuid), options, context: context)
    }

    /// Starts what a definition needs, where that was asked for; else the start itself says what is missing.
    func startNetworks(
        of definition: DomainDefinition, _ options: StartOptions, context: OperationContext
    ) throws(LodgeError) {
        guard options.withNetworks else { return }
        for name in try domains.inactiveNetworks(of: definition, context: context) {
            do throws(LodgeError) {
                try networks.start(try networks.find(name, context: context).uuid, context: context)
            } catch {
                // Two guests that start at once may both want it.
                if try domains.inactiveNetworks(of: definition, context: context).contains(name) { throw error }
            }
        }
    }
}
