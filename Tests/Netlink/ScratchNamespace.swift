import Glibc
import LodgeCore

/// Runs a body on a thread of its own inside a fresh network namespace, which goes with the thread.
func inScratchNamespace<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let box = ResultBox<Value>()
    var thread = pthread_t()
    let context = Unmanaged.passRetained(ErasedBody { box.result = Result { try enterAndRun(body) } })
    let code = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            Unmanaged<ErasedBody>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }, context.toOpaque())
    guard code == 0 else { throw LodgeError(.system, "cannot make a thread") }
    pthread_join(thread, nil)
    guard let result = box.result else { throw LodgeError(.system, "the thread left no result") }
    return try result.get()
}

/// Written by the thread before it ends, read after the join.
private final class ResultBox<Value>: @unchecked Sendable {
    var result: Result<Value, any Error>?
}

private final class ErasedBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

private func enterAndRun<Value>(_ body: () throws -> Value) throws -> Value {
    // unshare(2) is behind _GNU_SOURCE, which Swift's view of the C library does not set.
    guard let symbol = dlsym(nil, "unshare") else { throw LodgeError(.system, "no unshare in the C library") }
    let unshare = unsafeBitCast(symbol, to: (@convention(c) (CInt) -> CInt).self)
    let newNetworkNamespace: CInt = 0x4000_0000
    try syscall("unshare", "cannot make a network namespace") { unshare(newNetworkNamespace) }
    return try body()
}
