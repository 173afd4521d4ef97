import Foundation
import Lodge
import Synchronization
import TestSupport

// Foundation has a type of this name too.
typealias Host = Lodge.Host

/// A host on a root and in a network namespace of the test's own. QEMU processes that are still there at the end are
/// killed; the root goes with the value.
final class ScratchHost: Sendable {
    let directory: ScratchDirectory
    let namespace: NetworkNamespace
    let host: Host

    private init(_ directory: ScratchDirectory, _ namespace: NetworkNamespace, _ host: Host) {
        self.directory = directory
        self.namespace = namespace
        self.host = host
    }

    deinit {
        for pid in processes() { kill(pid, SIGKILL) }
    }

    static func open() async throws -> ScratchHost {
        let directory = try ScratchDirectory("lodge-host")
        let namespace = try NetworkNamespace.create()
        let host = try await Host.open(try options(directory, namespace))
        return ScratchHost(directory, namespace, host)
    }

    /// Another host on the same root, as another process would have it.
    func another() async throws -> Host { try await Host.open(try Self.options(directory, namespace)) }

    static func options(_ directory: ScratchDirectory, _ namespace: NetworkNamespace) throws -> Host.Options {
        var options = Host.Options(root: try RootDirectory(under: directory("root")))
        options.networkNamespace = namespace
        options.kernelFeatures = .underTest
        return options
    }

    var root: String { directory("root") }

    func runDirectory(_ domain: Domain) -> String { "\(root)/run/domains/\(domain.uuid.uuidString.lowercased())" }

    /// Defines a small guest; `devices` and `rest` are XML.
    func define(_ name: String = "guest", devices: String = "", rest: String = "") async throws -> Domain {
        try await host.define(xml: Array(Self.xml(name, devices: devices, rest: rest).utf8), file: "\(name).xml")
    }

    static func xml(_ name: String, type: String = "qemu", devices: String = "", rest: String = "") -> String {
        """
        <domain type='\(type)'>
          <name>\(name)</name>
          <memory unit='MiB'>64</memory>
          <vcpu>1</vcpu>
          <os><type arch='x86_64' machine='q35'>hvm</type></os>
          \(rest)
          <devices>\(devices)</devices>
        </domain>
        """
    }

    /// The processes that hold a file below this root open, zombies not counted.
    ///
    /// A child of this process that has not executed its program yet holds copies of all descriptors, those of other
    /// tests too, and is nobody's but its maker's: it runs this same program.
    func processes() -> [pid_t] {
        let files = FileManager.default
        let own = try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return ((try? files.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { pid_t($0) }.filter { pid in
            guard pid != getpid(), (try? files.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")) != own,
                let numbers = try? files.contentsOfDirectory(atPath: "/proc/\(pid)/fd")
            else {
                return false
            }
            return numbers.contains { number in
                (try? files.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(number)"))?
                    .hasPrefix(directory.path + "/") == true
            }
        }
    }

    func pid(of domain: Domain) async throws -> pid_t {
        guard let pid = try await domain.info().pid else { throw LodgeError(.invalidState, "no process") }
        return pid
    }

    func summary(_ domain: Domain, on host: Host? = nil) async throws -> DomainSummary? {
        try await (host ?? self.host).domains().first { $0.name == domain.name }
    }
}

/// Runs a closure that is expected to throw and returns what it threw.
func failure(_ body: () async throws -> Void) async -> LodgeError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? LodgeError
    }
}

/// Waits until a condition holds, at most this long.
func eventually(_ seconds: Double = 10, _ condition: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}
