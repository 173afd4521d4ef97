public import LodgeCore
import LodgeNetwork
import LodgeQEMU
public import Logging

/// One root directory in one network namespace: the front door to its guests and networks.
///
/// Any number of hosts, in this process and in others, may be open on one root at once. A host keeps no state that
/// matters: what is true stands in the root directory and in the kernel, so a process may end at any instant.
/// Blocking work runs on threads of the host's own, which end when they have nothing to do. Opening a host changes
/// nothing in the calling process: no signal handlers, no working directory, no namespace of the caller's threads.
public final class Host: Sendable {
    /// How a host is opened.
    public struct Options: Sendable {
        /// Where definitions, runtime state, logs and caches live.
        public var root: RootDirectory
        /// The network namespace in which links are made and guests run; nil is that of the thread that calls `open`.
        public var networkNamespace: NetworkNamespace?
        /// How many operations run at once at most, each on a thread of its own. With 1, all run in one order.
        public var threads = 8
        /// What of newer kernels may be used; nil is all that the running kernel has.
        public var kernelFeatures: KernelFeatures?
        /// Whether objects marked so are started by the first host that is opened after a boot.
        public var autostart = true
        /// Where to log, at `info` and below; nil is nowhere.
        public var logger: Logger?
        /// Where QEMU and dnsmasq are looked for.
        public var searchPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

        public init(root: RootDirectory) { self.root = root }
    }

    public let options: Options
    /// What loading found that was not as the records had it, and what was done about it.
    public let loadReport: [LoadEvent]

    let core: Core

    /// What all operations of a host share.
    struct Core: Sendable {
        let store: Store
        let features: KernelFeatures
        let domains: QEMUDriver
        let networks: NetworkDriver
        let pool: WorkerPool
        let loop: EventLoop
        let logger: Logger
    }

    /// How long an operation may take that says nothing else; the waits inside it have shorter deadlines of their own.
    static let patience = Duration.seconds(120)

    private init(options: Options, core: Core, loadReport: [LoadEvent]) {
        self.options = options
        self.core = core
        self.loadReport = loadReport
    }

    /// Opens a root: reads what is active, finishes or undoes what a killed process left half-made, and on the first
    /// open since the boot starts what is marked so.
    ///
    /// An object that cannot be judged or started does not fail the others: see ``loadReport``.
    /// - Throws: `permission` or `system` when the root directory cannot be used.
    public static func open(_ options: Options) async throws(LodgeError) -> Host {
        let logger = options.logger ?? Logger(label: "lodge", factory: { _ in SwiftLogNoOpLogHandler() })
        let namespace: NetworkNamespace
        if let given = options.networkNamespace {
            namespace = given
        } else {
            namespace = try NetworkNamespace.current()
        }
        let pool = WorkerPool(threads: options.threads, namespace: namespace)
        let (core, report) = try await pool.run(deadline: .after(patience), logger: logger) {
            (context) throws(LodgeError) -> (Core, [LoadEvent]) in
            let features = options.kernelFeatures ?? KernelFeatures.detected()
            let store = try Store(root: options.root, features: features)
            let networks = NetworkDriver(
                store: store, features: features, searchPath: options.searchPath, namespace: namespace, logger: logger)
            let domains = QEMUDriver(
                store: store, features: features, interfaces: networks, namespace: namespace,
                searchPath: options.searchPath, logger: logger)
            let core = Core(
                store: store, features: features, domains: domains, networks: networks, pool: pool, loop: EventLoop(),
                logger: logger)
            return (core, try core.load(autostart: options.autostart, context: context))
        }
        return Host(options: options, core: core, loadReport: report)
    }

    /// Ends the host's threads when what they do is done. Guests and networks go on.
    public func close() async { await core.pool.close() }

    /// Runs one synchronous operation on a thread of the host's own.
    func perform<T: Sendable>(
        _ body: @escaping @Sendable (Core, OperationContext) throws(LodgeError) -> T
    ) async throws(LodgeError) -> T {
        let core = core
        return try await core.pool.run(deadline: .after(Self.patience), logger: core.logger) {
            (context) throws(LodgeError) -> T in try body(core, context)
        }
    }
}

extension Host.Core {
    /// Networks before guests, because guests hang on them.
    func load(autostart: Bool, context: OperationContext) throws(LodgeError) -> [LoadEvent] {
        try store.removeLeftovers()
        var events = try networks.load(context: context)
        events += try domains.load(context: context)
        guard autostart, try store.firstOpenSinceBoot(context: context) else { return events }
        events += try networks.autostart(context: context)
        events += try domains.autostart(context: context)
        return events
    }
}
