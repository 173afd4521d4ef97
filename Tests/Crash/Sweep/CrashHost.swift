import Foundation
import LodgeCore
import TestSupport

/// A scratch root and a scratch network namespace in which operations are killed, and a look at all that is in them.
final class CrashHost: Sendable {
    private let directory: ScratchDirectory
    private let namespace: NetworkNamespace
    /// The inode of the namespace: which processes are in it.
    let inode: String
    private let lodge: String
    private let killpoint: String

    /// - Parameter first: whether nothing is known yet of what QEMU can do.
    init(first: Bool = false) throws {
        directory = try ScratchDirectory("lodge-crash")
        namespace = try NetworkNamespace.create()
        inode = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(namespace.descriptor)")
        lodge = try Self.built("lodge")
        killpoint = try Self.built("killpoint")
        for (name, text) in Self.files {
            try text.write(toFile: directory(name), atomically: true, encoding: .utf8)
        }
        if !first {
            try FileManager.default.createDirectory(
                atPath: root, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try FileManager.default.copyItem(atPath: Self.known.get().directory("root/cache"), toPath: root + "/cache")
        }
    }

    deinit {
        for pid in processes().keys { Foundation.kill(pid, SIGKILL) }
    }

    /// A host that has asked QEMU once; the others take its answer.
    private static let known = Result {
        let host = try CrashHost(first: true)
        try host.step(["define", "GUEST"])
        return host
    }

    private static func built(_ name: String) throws -> String {
        let image = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        // `swift test` may load the tests into a program of the toolchain; the bundle is an argument then.
        for path in [CommandLine.arguments[0], image] + CommandLine.arguments {
            let beside = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(name).path
            if FileManager.default.isExecutableFile(atPath: beside) { return beside }
        }
        throw LodgeError(.missingDependency, "\(name) is not built beside the tests", hint: "run swift build")
    }

    var root: String { directory("root") }

    /// `lodge VERB …` as a process of its own, with one worker thread so that its calls come in one order.
    func lodge(_ words: [String]) throws -> Program.Result {
        try environment.run(lodge, arguments(words))
    }

    /// The state-changing calls of one command, in order; the command is run to its end.
    func points(of words: [String]) throws -> [String] {
        let list = directory("points")
        let script = "exec 3>'\(list)'; exec \"$@\""
        let result = try environment.run(
            "/bin/sh", ["-c", script, "sh", killpoint, "count", "--", lodge] + arguments(words))
        guard result.status == 0 else { throw Failure("\(result)") }
        return try String(contentsOfFile: list, encoding: .utf8).split(separator: "\n")
            // Without the number in front.
            .map { $0.drop { $0 != " " }.dropFirst() }.map(String.init)
    }

    /// Runs the command and kills it at the point. False when it ended before it came there.
    func kill(_ words: [String], at point: KillPoint) throws -> Bool {
        let result = try environment.run(
            killpoint, ["kill", "\(point.index)", point.mode.rawValue, "--", lodge] + arguments(words))
        guard result.status == 0 || result.status == 3 else { throw Failure("\(result)") }
        return result.status == 0
    }

    /// One step of a preparation: a verb of `lodge`, or harm done from outside.
    func step(_ words: [String]) throws {
        switch words {
        case ["KILL-QEMU"]: try end { $0.contains("qemu-system") }
        case ["KILL-DNSMASQ"]: try end { $0.contains("dnsmasq") }
        case ["DELETE-TABLE"]:
            for table in try tables() {
                _ = try inNamespace("/usr/sbin/nft", ["delete"] + table.split(separator: " ").map(String.init))
            }
        default:
            let result = try lodge(words)
            guard result.status == 0 else { throw Failure("\(result)") }
        }
    }

    /// Ends processes of this host and waits until they are gone.
    private func end(_ matching: (String) -> Bool) throws {
        for (pid, command) in processes() where matching(command) { Foundation.kill(pid, SIGKILL) }
        let deadline = Date().addingTimeInterval(5)
        while processes().values.contains(where: matching) {
            guard Date() < deadline else { throw Failure("a killed process does not go away") }
            usleep(2000)
        }
    }

    func inNamespace(_ program: String, _ arguments: [String]) throws -> Program.Result {
        try Program().run(
            "/usr/bin/nsenter", ["--net=/proc/\(getpid())/fd/\(namespace.descriptor)", program] + arguments)
    }

    private var environment: Program { Program(environment: ["LODGE_THREADS": "1"]) }

    private func arguments(_ words: [String]) -> [String] {
        let words = words.map { $0.allSatisfy(\.isUppercase) ? directory("\($0.lowercased()).xml") : $0 }
        return words.prefix(1) + ["--root", root, "--netns", "/proc/\(getpid())/fd/\(namespace.descriptor)"]
            + words.dropFirst()
    }

    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }
}

extension CrashHost {
    private static let files: [(String, String)] = {
        let uuid = "b9e0c9a2-6c4b-4a1f-9a5e-000000000001"
        func guest(_ devices: String) -> String {
            """
            <domain type='qemu'>
              <name>crash</name>
              <uuid>\(uuid)</uuid>
              <memory unit='MiB'>64</memory>
              <vcpu>1</vcpu>
              <os><type arch='x86_64' machine='q35'>hvm</type></os>
              <devices>
                \(devices)
                <serial type='pty'/>
              </devices>
            </domain>
            """
        }
        return [
            (
                "guest.xml",
                guest("<interface type='network'><source network='crash'/><model type='virtio'/></interface>")
            ),
            ("plain.xml", guest("")),
            (
                "network.xml",
                """
                <network>
                  <name>crash</name>
                  <uuid>b9e0c9a2-6c4b-4a1f-9a5e-000000000002</uuid>
                  <forward mode='nat'/>
                  <bridge name='crash0'/>
                  <ip address='192.168.77.1' netmask='255.255.255.0'>
                    <dhcp><range start='192.168.77.10' end='192.168.77.99'/></dhcp>
                  </ip>
                </network>
                """
            ),
        ]
    }()
}
