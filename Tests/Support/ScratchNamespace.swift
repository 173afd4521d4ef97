import LodgeCore

/// Runs blocking code on a thread of its own inside a fresh network namespace with its loopback up. The namespace
/// goes with the last thing in it.
public func inScratchNamespace<T: Sendable>(
    _ body: @escaping @Sendable () throws -> T
) async throws -> T {
    let pool = WorkerPool(threads: 1, namespace: try NetworkNamespace.create())
    let result: Result<T, any Error> = try await pool.run { Result { try body() } }
    await pool.close()
    return try result.get()
}
