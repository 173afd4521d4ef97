public import FoundationEssentials
public import LodgeCore
import LodgeNetwork

/// A small handle on one network. It owns nothing: a network outlives every handle and every process.
public struct Network: Sendable {
    public let host: Host
    public let uuid: UUID
    public let name: String

    /// Makes the bridge, its addresses, rules and servers.
    ///
    /// - Throws: `invalidState` when it is active; `busy` when its subnet or bridge name is in use, naming both sides.
    public func start() async throws(LodgeError) {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.start(uuid, context: context)
        }
    }

    /// Takes away all that belongs to it. Guests that are attached keep running, without the network.
    public func destroy() async throws(LodgeError) {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.destroy(uuid, context: context)
        }
    }

    /// Forgets its definition. An active network goes on until it is destroyed.
    public func undefine() async throws(LodgeError) {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.undefine(uuid, context: context)
        }
    }

    /// Whether it is started by the first host that is opened after a boot.
    public func setAutostart(_ on: Bool) async throws(LodgeError) {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.setAutostart(uuid, on, context: context)
        }
    }

    public func info() async throws(LodgeError) -> NetworkInfo {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.info(uuid, context: context)
        }
    }

    /// Its definition as libvirt's network XML.
    public func xml(_ version: DefinitionVersion = .effective) async throws(LodgeError) -> String {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.xml(uuid, version, context: context)
        }
    }

    /// What its DHCP server has handed out, from the server's own file.
    ///
    /// - Parameter mac: only those of this address, written as usual (`52:54:00:…`).
    public func leases(mac: String? = nil) async throws(LodgeError) -> [DHCPLease] {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in
            try core.networks.leases(uuid, mac: mac, context: context)
        }
    }
}

extension Host {
    /// All networks, active and not, by name.
    public func networks() async throws(LodgeError) -> [NetworkSummary] {
        try await perform { (core, context) throws(LodgeError) in try core.networks.list(context: context) }
    }

    /// The network with this name or UUID.
    ///
    /// - Throws: `notFound`.
    public func network(_ key: String) async throws(LodgeError) -> Network {
        handle(
            try await perform { (core, context) throws(LodgeError) in try core.networks.find(key, context: context) })
    }

    /// Keeps a definition, new or changed. A running network changes with its next start.
    ///
    /// - Parameters:
    ///   - xml: libvirt's network XML, at most 16 MiB.
    ///   - file: what the text is called in errors.
    /// - Throws: `invalidXML` and `unsupported`, with line and column; `alreadyExists` when another network has the name.
    public func defineNetwork(xml: [UInt8], file: String) async throws(LodgeError) -> Network {
        handle(
            try await perform { (core, context) throws(LodgeError) in
                try core.networks.define(xml: xml, file: file, context: context)
            })
    }

    /// Starts a network that is gone when it is destroyed.
    public func createNetwork(xml: [UInt8], file: String) async throws(LodgeError) -> Network {
        handle(
            try await perform { (core, context) throws(LodgeError) in
                try core.networks.create(xml: xml, file: file, context: context)
            })
    }

    private func handle(_ found: (uuid: UUID, name: String)) -> Network {
        Network(host: self, uuid: found.uuid, name: found.name)
    }
}
