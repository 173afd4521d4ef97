import FoundationEssentials
import Glibc
import LodgeCore
import LodgeNetlink
import LodgeNetwork
import Logging
import TestSupport
import Testing

/// A root directory and a network namespace of a test's own, and a driver in them. Everything goes with it.
final class Scratch: Sendable {
    let path: String
    let root: RootDirectory
    let namespace: NetworkNamespace
    let pool: WorkerPool
    let driver: NetworkDriver
    let store: Store
    let features: KernelFeatures

    init(features: KernelFeatures = .underTest) throws {
        path = NSTemporaryPath("lodge-net-" + UUID().uuidString.lowercased())
        root = try RootDirectory(under: path)
        namespace = try NetworkNamespace.create()
        pool = WorkerPool(threads: 2, namespace: namespace)
        store = try Store(root: root, features: features)
        self.features = features
        driver = Self.driver(store, features, namespace)
    }

    /// Another driver on the same root, as another process would have it.
    static func driver(_ store: Store, _ features: KernelFeatures, _ namespace: NetworkNamespace) -> NetworkDriver {
        NetworkDriver(
            store: store, features: features, searchPath: ["/usr/sbin", "/usr/bin"], namespace: namespace,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs a body on a thread inside the namespace.
    func perform<T: Sendable>(
        _ body: @escaping @Sendable (NetworkDriver, OperationContext) throws(LodgeError) -> T
    ) async throws(LodgeError) -> T {
        let driver = driver
        return try await pool.run(
            deadline: .after(.seconds(60)), logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ) { (context) throws(LodgeError) -> T in try body(driver, context) }
    }

    /// Runs a body that may throw anything.
    func inside<T: Sendable>(_ body: @escaping @Sendable (NetworkDriver, OperationContext) throws -> T) async throws
        -> T
    {
        try await perform { (driver, context) throws(LodgeError) -> Result<T, any Error> in
            Result { try body(driver, context) }
        }.get()
    }

    func define(_ xml: String) async throws(LodgeError) -> UUID {
        try await perform { (driver, context) throws(LodgeError) in
            try driver.define(xml: Array(xml.utf8), file: "net.xml", context: context).uuid
        }
    }

    func start(_ uuid: UUID) async throws(LodgeError) {
        try await perform { (driver, context) throws(LodgeError) in try driver.start(uuid, context: context) }
    }

    func destroy(_ uuid: UUID) async throws(LodgeError) {
        try await perform { (driver, context) throws(LodgeError) in try driver.destroy(uuid, context: context) }
    }

    func load() async throws(LodgeError) -> [LoadEvent] {
        try await perform { (driver, context) throws(LodgeError) in try driver.load(context: context) }
    }

    func summary(_ uuid: UUID) async throws -> NetworkSummary {
        let all = try await perform { (driver, context) throws(LodgeError) in try driver.list(context: context) }
        return try #require(all.first { $0.uuid == uuid })
    }

    /// Nothing of any network is left in the kernel or under run/, but for what the namespace was born with.
    func expectNothingLeft(_ location: Testing.SourceLocation = #_sourceLocation) async throws {
        let left = try await inside { driver, _ in
            let links = try NetlinkSession().links().map(\.name).filter { $0 != "lo" }
            let tables = try NetlinkSession(.netfilter).filterTables().keys.map(\.name)
            let records = try driver.store.runtimeUUIDs(.network).map(\.uuidString)
            let host = (try? FileManager.default.subpathsOfDirectory(atPath: driver.store.hostDirectory)) ?? []
            return links + tables + records + host.filter { $0.hasSuffix("old") }
        }
        #expect(left == [], sourceLocation: location)
        #expect(processes() == [], sourceLocation: location)
    }

    /// The pids of programs that have this root in their arguments.
    func processes() -> [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap(Int32.init).filter { pid in
            guard pid != getpid(), let bytes = try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline")) else {
                return false
            }
            return String(decoding: bytes, as: UTF8.self).contains(path)
        }
    }

    func close() {
        for pid in processes() { kill(pid, SIGKILL) }
        pool.shutdown()
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A test with a scratch of its own, which goes whatever happens.
func withScratch<T>(
    features: KernelFeatures = .underTest, _ body: (Scratch) async throws -> T
) async throws -> T {
    let scratch = try Scratch(features: features)
    defer { scratch.close() }
    return try await body(scratch)
}

/// Why a test that needs namespaces does not run.
let needsRoot = "needs root for network namespaces"
