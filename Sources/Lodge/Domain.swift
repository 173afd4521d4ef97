public import FoundationEssentials
public import LodgeCore
import LodgeQEMU

/// A small handle on one guest. It owns nothing: a guest outlives every handle and every process.
public struct Domain: Sendable {
    public let host: Host
    public let uuid: UUID
    public let name: String

    // MARK: Running

    /// Starts QEMU and returns when the guest runs, or stands paused where that was asked for.
    ///
    /// - Throws: `invalidState` when it is active, or a network of its is not (the hint names the command that starts
    ///   it); `busy` when a disk or port is taken; `program` with QEMU's own words when QEMU gives up.
    ///   Whatever is thrown, nothing of the start is left.
    public func start(_ options: StartOptions = StartOptions()) async throws(LodgeError) {
        try await host.start(uuid, options)
    }

    /// Presses the guest's ACPI power button and returns; the guest decides what it does.
    public func shutdown() async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in
            try domains.shutdown(uuid, context: context)
        }
    }

    /// Presses the reset button: the guest starts anew in the same QEMU, without being asked.
    public func reset() async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in try domains.reset(uuid, context: context) }
    }

    /// Ends QEMU and takes away all that belonged to the run. Works on a guest that does not answer.
    ///
    /// - Parameter graceful: ask QEMU to end by itself (SIGTERM), so that it flushes its caches, and fail with `timeout`
    ///   if it has not within ten seconds; else it is killed at once.
    public func destroy(graceful: Bool = false) async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in
            try domains.destroy(uuid, graceful: graceful, context: context)
        }
    }

    /// Stops the guest's processors. Its memory and devices stay as they are.
    public func suspend() async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in try domains.suspend(uuid, context: context) }
    }

    /// Lets a paused guest go on.
    public func resume() async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in try domains.resume(uuid, context: context) }
    }

    // MARK: Definition

    /// Forgets the definition. An active guest goes on and is gone when it stops.
    ///
    /// - Parameter nvram: also remove its firmware variables; without it, a guest that has some is refused.
    public func undefine(nvram: Bool = false) async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in
            try domains.undefine(uuid, nvram: nvram, context: context)
        }
    }

    /// Whether it is started by the first host that is opened after a boot.
    public func setAutostart(_ on: Bool) async throws(LodgeError) {
        try await perform { (domains, uuid, context) throws(LodgeError) in
            try domains.setAutostart(uuid, on, context: context)
        }
    }

    /// Its definition as libvirt's domain XML.
    public func xml(_ version: DefinitionVersion = .effective) async throws(LodgeError) -> String {
        try await perform { (domains, uuid, _) throws(LodgeError) in try domains.xml(uuid, version) }
    }

    /// The command line of QEMU that a start would use, the program first. Descriptors stand as numbers.
    public func nativeArguments() async throws(LodgeError) -> [String] {
        try await perform { (domains, uuid, context) throws(LodgeError) in
            try domains.nativeArguments(uuid, context: context)
        }
    }

    // MARK: Looking

    /// What it is doing now, asked of QEMU itself with a deadline of a second.
    ///
    /// A QEMU that does not answer is `unresponsive`, which is not `stopped`.
    public func status() async throws(LodgeError) -> DomainStatus {
        try await perform { (domains, uuid, context) throws(LodgeError) in try domains.status(uuid, context: context) }
    }

    public func info() async throws(LodgeError) -> DomainInfo {
        try await perform { (domains, uuid, context) throws(LodgeError) in try domains.info(uuid, context: context) }
    }

    /// Serial ports and consoles, with the terminal, socket or file of each.
    public func consoles() async throws(LodgeError) -> [ConsoleInfo] {
        try await perform { (domains, uuid, _) throws(LodgeError) in try domains.consoles(uuid) }
    }

    /// The end of its log: QEMU's words, and a line of ours for each start and stop.
    public func log(lastBytes: Int = 65536) async throws(LodgeError) -> [UInt8] {
        try await perform { [name] (domains, _, _) throws(LodgeError) in domains.logTail(name, limit: lastBytes) }
    }

    /// Where its log is.
    public var logPath: String { host.core.domains.logPath(name) }

    /// Sends one QMP command and returns QEMU's whole answer.
    ///
    /// - Parameter json: the command object, such as `{"execute":"query-status"}`.
    /// - Throws: `monitor` when QEMU refuses it; `timeout` when it does not answer; `busy` when another process talks.
    public func monitor(_ json: String) async throws(LodgeError) -> String {
        try await perform { (domains, uuid, context) throws(LodgeError) in
            try domains.monitor(uuid, json, context: context)
        }
    }

    // MARK: Supervising

    /// Follows a running guest from this process: its events, its end, and what its definition asks a supervisor to do.
    ///
    /// - Throws: `busy`, naming the process, when somebody does already.
    public func supervise() async throws(LodgeError) -> DomainSupervision {
        try await host.supervise(self)
    }

    /// Starts it, supervised from before its first instruction.
    public func run(_ options: StartOptions = StartOptions()) async throws(LodgeError) -> DomainSupervision {
        try await host.run(self, options)
    }

    private func perform<T: Sendable>(
        _ body: @escaping @Sendable (QEMUDriver, UUID, OperationContext) throws(LodgeError) -> T
    ) async throws(LodgeError) -> T {
        try await host.perform { [uuid] (core, context) throws(LodgeError) in try body(core.domains, uuid, context) }
    }
}
