import FoundationEssentials
public import LodgeCore
public import Logging
import Synchronization

/// Guests: from a definition on disk to a QEMU process and back.
///
/// All synchronous, on the caller's thread, which must be one of a ``WorkerPool``. The driver holds no state that
/// matters: what is true stands in the store and in the kernel, so any number of drivers in any number of processes may
/// work on one root.
public final class QEMUDriver: Sendable {
    let store: Store
    let features: KernelFeatures
    let interfaces: any InterfaceProvider
    let namespace: NetworkNamespace
    let searchPath: [String]
    let logger: Logger
    let lastNames = LastNames()

    /// - Parameters:
    ///   - namespace: the network namespace of the threads that call the driver.
    ///   - searchPath: the directories where QEMU is looked for.
    public init(
        store: Store, features: KernelFeatures, interfaces: any InterfaceProvider, namespace: NetworkNamespace,
        searchPath: [String], logger: Logger
    ) {
        self.store = store
        self.features = features
        self.interfaces = interfaces
        self.namespace = namespace
        self.searchPath = searchPath
        self.logger = logger
    }

    /// For work that no caller waits for.
    func context(patience: Duration) -> OperationContext {
        OperationContext(deadline: .after(patience), logger: logger)
    }

    func leasePath(_ uuid: UUID) -> String { store.runtimeDirectory(.domain, uuid) + "/lease" }

    func log(of name: String) -> DomainLog { DomainLog(directory: "\(store.root.log)/domains", name: name) }
}

/// The name under which each definition was last seen: where to look first, and never believed without looking.
final class LastNames: Sendable {
    private let names = Mutex<[UUID: String]>([:])

    func set(_ name: String, of uuid: UUID) { names.withLock { $0[uuid] = name } }

    subscript(_ uuid: UUID) -> String? { names.withLock { $0[uuid] } }
}
