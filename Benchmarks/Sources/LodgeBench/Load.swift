import FoundationEssentials
import Glibc
import Lodge

/// Opening a root with much in it, and listing.
struct Load {
    let rounds: Int
    /// Numbers of active networks.
    let counts: [Int]
    let servers: Int
    let guests: Int

    /// By the number of networks.
    private static let limits: [Int: Limit] = [100: .milliseconds(30), 500: .milliseconds(100)]

    func measure(_ report: inout Report) async throws {
        var rows: [Row] = []
        try await Scratch.use("load") { rows += try await networks($0, $1) }
        try await Scratch.use("servers") { rows += try await served($0, $1) }
        try await Scratch.use("running") { rows += try await running($0, $1) }
        try await Scratch.use("list") { rows += try await list($0, $1) }
        for row in rows { report.add(row) }
    }

    private func networks(_ scratch: Scratch, _ host: Host) async throws -> [Row] {
        var rows: [Row] = []
        var made = 0
        for count in counts {
            while made < count {
                try await host.defineNetwork(Definition.isolated(made)).start()
                made += 1
            }
            say("  \(count) networks are active")
            rows += try await pairs("load \(count) active networks, rules checked", Self.limits[count], scratch, count)
        }
        return rows
    }

    private func served(_ scratch: Scratch, _ host: Host) async throws -> [Row] {
        for number in 0..<servers { try await host.defineNetwork(Definition.translated(number)).start() }
        return try await pairs("load \(servers) nat networks with servers", nil, scratch, servers)
    }

    /// From nothing open until the active networks are known, beside what of it the kernel takes to tell.
    private func pairs(
        _ name: String, _ limit: Limit?, _ scratch: Scratch, _ count: Int
    ) async throws -> [Row] {
        try await Paired(rounds: rounds).measure([(name, limit)], processor: .own) {
            try inside(scratch.namespace) {
                [
                    try milliseconds {
                        try RawNetlink().dumpLinks()
                        try RawFilter.dump(try RawNetlink(RawNetlink.netfilter))
                    }
                ]
            }
        } ours: {
            var found = 0
            var report: [LoadEvent] = []
            let time = try await milliseconds {
                let host = try await scratch.open()
                found = try await host.networks().filter(\.active).count
                report = host.loadReport
            }
            guard found == count, report.isEmpty else { throw Failure("load found \(found) networks: \(report)") }
            return [time]
        }
    }

    private func running(_ scratch: Scratch, _ host: Host) async throws -> [Row] {
        var folders: [String] = []
        for number in 0..<guests {
            let guest = try await host.define(Definition.guest("guest\(number)"))
            try await guest.start(StartOptions(paused: true))
            folders.append(try "\(scratch.directories.run)/domains/\(guest.uuid.uuidString.lowercased())")
        }
        say("  \(guests) guests run")
        let all = folders
        let load = try await Paired(rounds: rounds).measure([("load \(guests) running guests", nil)], processor: .own) {
            [try milliseconds { for folder in all { try look(folder) } }]
        } ours: {
            [try await loadGuests(scratch)]
        }
        let asked = try await Paired(rounds: rounds).measure(
            [("ask \(guests) guests for their state", .ratio(1.3))], processor: .own
        ) {
            [try milliseconds { for folder in all { try QMP.ask("\(folder)/control.sock") } }]
        } ours: {
            [try await askGuests(host)]
        }
        return load + asked
    }

    private func loadGuests(_ scratch: Scratch) async throws -> Double {
        let begin = ContinuousClock.now
        let found = try await scratch.open().domains().count
        let time = (ContinuousClock.now - begin) / .milliseconds(1)
        guard found == guests else { throw Failure("load found \(found) guests") }
        return time
    }

    private func askGuests(_ host: Host) async throws -> Double {
        let begin = ContinuousClock.now
        for summary in try await host.domains() {
            guard let uuid = summary.uuid else { continue }
            let guest = try await host.domain(uuid: uuid)
            let state = try await guest.status().state
            guard state == .paused else { throw Failure("\(summary.name) is \(state)") }
        }
        return (ContinuousClock.now - begin) / .milliseconds(1)
    }

    /// The record, the lease's lock, the process.
    private func look(_ folder: String) throws {
        _ = try contents("\(folder)/status.json")
        let lease = open("\(folder)/lease", O_RDONLY | O_CLOEXEC)
        guard lease >= 0 else { throw Failure(errno: "cannot open a lease") }
        defer { close(lease) }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        // F_OFD_GETLK.
        guard fcntl(lease, 36, &lock) == 0, lock.l_type != Int16(F_UNLCK) else { throw Failure("a lease is free") }
        let words = try contents("\(folder)/lease").split(separator: UInt8(ascii: " "))
        guard let pid = words.first.flatMap({ Int32(String(decoding: $0, as: UTF8.self)) }) else {
            throw Failure("a lease names no process")
        }
        _ = try contents("/proc/\(pid)/stat")
    }

    private func list(_ scratch: Scratch, _ host: Host) async throws -> [Row] {
        for number in 0..<100 { _ = try await host.define(Definition.guest("guest\(number)")) }
        let folder = try "\(scratch.directories.etc)/domains"
        let read = { [try milliseconds { for number in 0..<100 { _ = try contents("\(folder)/guest\(number).xml") } }] }
        let states = try await Paired(rounds: rounds).measure(
            [("list 100 defined guests with their state", .milliseconds(20))], processor: .own, bare: read
        ) {
            [try await milliseconds { _ = try await host.domains() }]
        }
        let texts = try await Paired(rounds: rounds).measure(
            [("the same with the XML of each", .milliseconds(20))], processor: .own, bare: read
        ) {
            [try await readAll(host)]
        }
        return states + texts
    }

    private func readAll(_ host: Host) async throws -> Double {
        let begin = ContinuousClock.now
        for summary in try await host.domains() {
            let text = try await host.domain(summary.name).xml()
            guard text.contains(summary.name) else { throw Failure("the XML of \(summary.name) is another's") }
        }
        return (ContinuousClock.now - begin) / .milliseconds(1)
    }
}
