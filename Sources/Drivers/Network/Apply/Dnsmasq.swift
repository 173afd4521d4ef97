import CLinux
import FoundationEssentials
import Glibc
import LodgeCore
import LodgeNetlink

/// The DHCP and DNS server of one network.
///
/// dnsmasq closes every descriptor that it inherits, so its lease is free as soon as it runs: the lock only covers the
/// moments before. What stays is what the child wrote into the file before it became dnsmasq: pid and start time.
enum Dnsmasq {
    /// In the network's run directory.
    static let leaseName = "dnsmasq.lease"
    static let configurationName = "dnsmasq.conf"

    /// The server that a lease names, and whether it lives. Nil when there is none, or nobody can tell.
    static func process(at lease: String, features: KernelFeatures) throws(LodgeError) -> (Int32, ProcessPresence)? {
        guard let identity = try Lease.holder(at: lease) else { return nil }
        return (identity.pid, identity.presence(features: features))
    }

    /// Whether it must be started again. When it cannot be told, it is left as it is.
    static func isMissing(at lease: String, features: KernelFeatures) throws(LodgeError) -> Bool {
        switch try process(at: lease, features: features)?.1 {
        case .alive, .cannotTell: false
        case .gone, .replaced: true
        case nil: try Lease.state(at: lease) != .held
        }
    }

    /// Ends it. Doing it twice changes nothing.
    static func end(at lease: String, features: KernelFeatures, context: OperationContext) throws(LodgeError) {
        var known = try Lease.holder(at: lease)
        while true {
            try Lease.endHolder(at: lease, recorded: known, features: features, context: context)
            // A child may have written its name, executed and let go of the lock since the first look.
            let now = try Lease.holder(at: lease)
            if now == known { return }
            known = now
        }
    }
}

extension NetworkDriver {
    /// Starts dnsmasq and returns when its sockets are bound.
    ///
    /// - Throws: `missingDependency` when it is not installed; `program` with its own words when it refuses.
    func start(_ plan: DnsmasqPlan, of network: NetworkPlan, context: OperationContext) throws(LodgeError) {
        guard let program = Launcher.find("dnsmasq", searchPath: searchPath) else {
            throw LodgeError(
                .missingDependency, "dnsmasq, which serves DHCP and DNS, is not installed",
                hint: "install the package 'dnsmasq-base', or leave out <dhcp> and write <dns enable='no'/>")
        }
        if let root = plan.tftpRoot {
            var isDirectory = false
            guard FileManager.default.fileExists(atPath: root, isDirectory: &isDirectory), isDirectory else {
                throw LodgeError(
                    .notFound, "the directory '\(root)' of <tftp> is not there", hint: "make it, or leave <tftp> out")
            }
        }
        let directory = store.runtimeDirectory(.network, network.uuid)
        let configuration = "\(directory)/\(Dnsmasq.configurationName)"
        try AtomicFile.write(Array(plan.configuration.utf8), to: configuration, durable: false)
        let logs = store.root.log + "/networks"
        let log = "\(logs)/\(network.uuid.lowercased).log"
        try Directory.make(leasesDirectory)
        try Directory.make(logs)

        let pipe = try Pipe()
        var spec = LaunchSpec(
            executable: program,
            // Paths as arguments: lines of the file are at most 1024 bytes long.
            arguments: [
                program, "--conf-file=\(configuration)", "--dhcp-leasefile=\(leasesPath(network.uuid))",
                "--log-facility=\(log)",
            ])
        spec.environment = ["PATH=/usr/sbin:/usr/bin", "LC_ALL=C"]
        spec.standardError = .descriptor(pipe.writing.raw)
        spec.lease = LaunchSpec.LeaseFile(path: "\(directory)/\(Dnsmasq.leaseName)", target: 3)
        spec.capabilities = [.administerNetwork, .bindLowPorts]
        if plan.needsRawSockets { spec.capabilities.insert(.rawSockets) }
        let process = try Launcher.launch(spec, features: features)
        try awaitReady(process, pipe.keepReading(), log: log, context: context)
    }

    /// dnsmasq puts /dev/null in the place of its standard error once its sockets are bound; before that it writes
    /// there why it ends. So the pipe's end is the event, and what came before it the reason.
    private func awaitReady(
        _ process: borrowing LaunchedProcess, _ pipe: borrowing OwnedFD, log: String, context: OperationContext
    ) throws(LodgeError) {
        var words: [UInt8] = []
        let limit = Deadline.after(.seconds(20))
        var buffer = [UInt8](repeating: 0, count: 4096)
        let raw = pipe.raw
        while true {
            try context.wait(for: raw, events: Int16(POLLIN), until: limit, "waiting for dnsmasq to be ready")
            let count = try syscall("read", "cannot read what dnsmasq says") {
                unsafe read(raw, &buffer, buffer.count)
            }
            if count == 0 { break }
            if words.count < 16384 { words += buffer.prefix(count) }
        }
        // Words without an end are warnings; with one, they are the reason.
        let patience = Deadline.after(words.isEmpty ? .zero : .seconds(5))
        while !process.pidfd.hasExited {
            guard !patience.hasPassed else { return }
            try? context.wait(
                for: process.pidfd.descriptor, events: Int16(POLLIN), until: patience, "waiting for dnsmasq to end")
        }
        let lines = String(decoding: words, as: UTF8.self).split(separator: "\n").map(String.init)
        let text = (lines.isEmpty ? Self.lastWords(of: process.identity.pid, in: log) : lines)
            .map { $0.hasPrefix("dnsmasq: ") ? String($0.dropFirst(9)) : $0 }.joined(separator: "; ")
        let isTaken = text.contains("in use")
        throw LodgeError(
            isTaken ? .busy : .program, "dnsmasq did not start",
            cause: .program(name: "dnsmasq", status: "ended", output: text),
            hint: isTaken
                ? "another DNS or DHCP server listens on that address or on all: bind it to its own interfaces" : nil)
    }
}

extension NetworkDriver {
    /// What a server that says nothing more on its standard error wrote into its log at the end.
    private static func lastWords(of pid: Int32, in log: String) -> [String] {
        // A log beyond this size is not worth reading for one message.
        guard let bytes = try? AtomicFile.read(log, limit: 4 << 20) else { return [] }
        let lines = bytes.suffix(4096).split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        return lines.suffix(2).filter { $0.contains("[\(pid)]: ") }
    }
}

/// Both ends of a pipe, close-on-exec.
private struct Pipe: ~Copyable {
    let reading: OwnedFD
    let writing: OwnedFD

    init() throws(LodgeError) {
        var ends: [CInt] = [-1, -1]
        try syscall("pipe2", "cannot make a pipe") { unsafe lodge_pipe(&ends) }
        reading = OwnedFD(taking: ends[0])
        writing = OwnedFD(taking: ends[1])
    }

    /// Closes the end that the child has now.
    consuming func keepReading() -> OwnedFD { reading }
}
