public import LodgeCore
import LodgeQEMU
import Synchronization

/// A guest that this process follows: a sequence of its events that ends when the guest has stopped.
///
/// While it exists, what the definition asks a supervisor to do is done: a restart after a crash (`<on_crash>`) or a
/// power-off, at most five times in ten minutes. Letting go of it, ``cancel()``, or the death of this process end the
/// supervision and nothing else: the guest runs on.
///
/// At most 1024 events wait to be read; of more, the oldest are left out. The last, ``DomainEvent/Kind/stopped``, always
/// arrives.
public final class DomainSupervision: AsyncSequence, Sendable {
    public typealias Element = DomainEvent
    public typealias Failure = Never

    /// The events from here on. There can be one reader.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private var base: AsyncStream<DomainEvent>.Iterator
        // The supervision lives as long as somebody reads from it.
        private let supervision: DomainSupervision

        init(_ supervision: DomainSupervision) {
            self.supervision = supervision
            base = supervision.stream.makeAsyncIterator()
        }

        public mutating func next() async -> DomainEvent? { await base.next(isolation: #isolation) }
        public mutating func next(isolation actor: isolated (any Actor)?) async -> DomainEvent? {
            await base.next(isolation: actor)
        }
    }

    private let stream: AsyncStream<DomainEvent>
    private let supervisor: Supervisor

    init(_ domain: Domain, context: OperationContext) throws(LodgeError) {
        let (stream, continuation) = AsyncStream.makeStream(
            of: DomainEvent.self, bufferingPolicy: .bufferingNewest(1024))
        self.stream = stream
        let pool = domain.host.core.pool
        supervisor = try domain.host.core.domains.supervisor(
            for: domain.uuid, name: domain.name, loop: domain.host.core.loop,
            schedule: { work in
                // From the event loop's thread to a worker; the task itself only waits.
                Task { try? await pool.run { () throws(LodgeError) in work() } }
            },
            deliver: { continuation.yield($0) }, finished: { continuation.finish() })
    }

    deinit { supervisor.cancel() }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    /// Stops following; the sequence ends. The guest goes on.
    public func cancel() { supervisor.cancel() }

    /// Starts a guest that is not kept, in the same way.
    func create(
        _ domain: Domain, _ definition: DomainDefinition, _ options: StartOptions, context: OperationContext
    ) throws(LodgeError) {
        try domain.host.core.domains.create(
            definition, paused: options.paused, context: context, beforeRunning: follower(options, context))
    }

    /// Connects the supervisor when QEMU answers and the guest does not run yet.
    private func follower(_ options: StartOptions, _ context: OperationContext) -> QEMUDriver.BeforeRunning {
        let supervisor = supervisor
        return { (record) throws(LodgeError) in
            try supervisor.follow(record, context: context)
            supervisor.report(.started, options.paused ? "paused" : "booted")
        }
    }

    /// Connects to a guest that runs.
    func follow(_ domain: Domain, context: OperationContext) throws(LodgeError) {
        try domain.host.core.domains.follow(domain.uuid, with: supervisor, context: context)
    }

    /// Starts it; the supervisor is connected before the guest's first instruction.
    func start(_ domain: Domain, _ options: StartOptions, context: OperationContext) throws(LodgeError) {
        try domain.host.core.domains.start(
            domain.uuid, paused: options.paused, context: context, beforeRunning: follower(options, context))
    }
}

extension Host {
    /// Starts a guest that is gone when it stops, supervised from before its first instruction.
    public func run(
        xml: [UInt8], file: String, options: StartOptions = StartOptions()
    ) async throws(LodgeError) -> (domain: Domain, supervision: DomainSupervision) {
        try await perform { (core, context) throws(LodgeError) in
            let definition = try core.domains.read(xml: xml, file: file, context: context)
            try core.startNetworks(of: definition, options, context: context)
            let domain = self.handle((try core.domains.identity(of: definition), definition.name))
            let supervision = try DomainSupervision(domain, context: context)
            do throws(LodgeError) {
                try supervision.create(domain, definition, options, context: context)
            } catch {
                supervision.cancel()
                throw error
            }
            return (domain, supervision)
        }
    }

    func supervise(_ domain: Domain) async throws(LodgeError) -> DomainSupervision {
        try await perform { (_, context) throws(LodgeError) in
            let supervision = try DomainSupervision(domain, context: context)
            do throws(LodgeError) { try supervision.follow(domain, context: context) } catch {
                supervision.cancel()
                throw error
            }
            return supervision
        }
    }

    func run(_ domain: Domain, _ options: StartOptions) async throws(LodgeError) -> DomainSupervision {
        try await perform { (core, context) throws(LodgeError) in
            try core.startNetworks(of: domain.uuid, options, context: context)
            let supervision = try DomainSupervision(domain, context: context)
            do throws(LodgeError) { try supervision.start(domain, options, context: context) } catch {
                supervision.cancel()
                throw error
            }
            return supervision
        }
    }
}
