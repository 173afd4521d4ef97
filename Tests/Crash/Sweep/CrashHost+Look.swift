import Foundation
import LodgeCore

/// A look at all that a host has, past Lodge's own view.
extension CrashHost {
    /// Everything that an operation could leave behind.
    struct Snapshot: Equatable {
        var links: [String]
        var tables: [String]
        var processes: [String]
        var files: [String]
        var forwarding: [String]

        /// What is here and was not there, and the other way round.
        func differences(from before: Snapshot) -> [String] {
            func compare(_ what: String, _ now: [String], _ then: [String]) -> [String] {
                now.filter { !then.contains($0) }.map { "\(what) \($0)" }
                    + then.filter { !now.contains($0) }.map { "\(what) \($0) is gone" }
            }
            return compare("link", links, before.links) + compare("table", tables, before.tables)
                + compare("process", processes, before.processes) + compare("file", files, before.files)
                + compare("forwarding", forwarding, before.forwarding)
        }
    }

    func snapshot() throws -> Snapshot {
        Snapshot(
            links: try links(), tables: try tables(), processes: processes().values.sorted(), files: files(),
            forwarding: try inNamespace(
                "/bin/grep", ["", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"]
            ).lines)
    }

    /// What is there that was not at an earlier moment. What is on its way out gets a little time.
    func residue(since before: Snapshot) throws -> [String] {
        var found: [String] = []
        try eventually {
            found = try snapshot().differences(from: before)
            return found.isEmpty
        }
        return found
    }

    func links() throws -> [String] {
        try inNamespace("/sbin/ip", ["-o", "link"]).lines
            .compactMap { $0.split(separator: ":").dropFirst().first.map { $0.trimmingCharacters(in: .whitespaces) } }
            .sorted()
    }

    func tables() throws -> [String] { try inNamespace("/usr/sbin/nft", ["list", "tables"]).lines.sorted() }

    /// The processes in this host's network namespace, zombies not counted.
    func processes() -> [pid_t: String] {
        let files = FileManager.default
        var found: [pid_t: String] = [:]
        for entry in (try? files.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(entry),
                (try? files.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")) == inode,
                let bytes = files.contents(atPath: "/proc/\(pid)/cmdline"), !bytes.isEmpty
            else { continue }
            found[pid] = String(decoding: bytes, as: UTF8.self).replacingOccurrences(of: "\0", with: " ")
        }
        return found
    }

    /// The files below the root. Not those that are meant to stay: locks, logs, caches, counters.
    private func files() -> [String] {
        let stays = ["run/locks/", "log/", "cache/"]
        let counters: Set = ["run/next-id", "run/boot", "run/claims", "lib/networks"]
        let walk = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return walk.filter { path in !counters.contains(path) && !stays.contains { path.hasPrefix($0) } }.sorted()
    }

    /// Waits a little until a condition holds.
    func eventually(_ condition: () throws -> Bool) rethrows {
        let end = ContinuousClock.now + .seconds(3)
        while try !condition(), ContinuousClock.now < end { usleep(5000) }
    }
}

// MARK: - What Lodge says, beside what is there

extension CrashHost {
    /// States as the two lists show them.
    func outcome() throws -> Operation.Outcome {
        struct Line: Decodable { var name: String, state: String }
        func state(_ verb: String) throws -> String? {
            let result = try lodge([verb, "--all", "--json"])
            guard result.status == 0 else { throw Failure("\(result)") }
            let lines = try JSONDecoder().decode([Line].self, from: Data(result.output.utf8))
            guard lines.count <= 1 else { throw Failure("\(verb) shows \(lines.map(\.name))") }
            return lines.first?.state
        }
        return Operation.Outcome(domain: try state("list"), network: try state("net-list"))
    }

    /// Loads the root in a new process and compares what it says with what is there.
    func inconsistencies(_ moment: String, keeps: Set<Operation.Part>) throws -> [String] {
        let shown = try outcome()
        var violations: [String] = []
        func expect(_ condition: Bool, _ what: String) { if !condition { violations.append("\(moment): \(what)") } }
        var qemus = 0, servers = 0, helpers: [String] = []
        let isActive = shown.domain.map { !["shut off", "crashed"].contains($0) } ?? false
        let isNetworkActive = shown.network == "active"
        // A process that has just been told to end, or that lost its parent before it ran, needs a moment.
        eventually {
            let commands = processes().values
            qemus = commands.count { $0.contains("qemu-system") && $0.contains("crash") }
            servers = commands.count { $0.contains("dnsmasq") }
            helpers = commands.filter { !$0.contains("dnsmasq") && !$0.contains("qemu-system") }
            return qemus == (isActive ? 1 : 0) && servers == (isNetworkActive ? 1 : 0) && helpers.isEmpty
        }
        expect(qemus == (isActive ? 1 : 0), "the guest is \(shown.domain ?? "not there"), with \(qemus) of QEMU")
        expect(
            servers == (isNetworkActive ? 1 : 0),
            "the network is \(shown.network ?? "not there"), with \(servers) of dnsmasq")
        expect(helpers.isEmpty, "processes are left: \(helpers)")
        expect(!["unknown", "unresponsive"].contains(shown.domain), "the guest is \(shown.domain ?? "")")
        expect(shown.network != "unknown", "the network is unknown")
        let links = try links(), tables = try tables()
        expect(
            links.contains("crash0") == isNetworkActive,
            "the network is \(shown.network ?? "not there"), with links \(links)")
        expect(
            (tables.count == 1) == isNetworkActive,
            "the network is \(shown.network ?? "not there"), with tables \(tables)")
        let taps = links.filter { $0.hasPrefix("lt") }
        if !isActive { expect(taps.isEmpty, "a guest that does not run has \(taps)") }
        if isActive {
            // Its monitor answers.
            let state = try lodge(["qemu-monitor-command", "crash", "{\"execute\":\"query-status\"}"])
            expect(state.status == 0, "the guest is \(shown.domain ?? ""), and its monitor: \(state)")
        }
        if keeps.contains(.domain) { expect(shown.domain != nil, "the guest's definition is lost") }
        if keeps.contains(.network) { expect(shown.network != nil, "the network's definition is lost") }
        if keeps.contains(.qemu) { expect(qemus == 1, "the guest is lost") }
        if keeps.contains(.dnsmasq) { expect(servers == 1, "the network's server is lost") }
        return violations
    }
}
