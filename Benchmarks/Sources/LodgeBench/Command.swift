import Glibc
import Lodge

/// `lodge` as people start it: a whole process.
struct Command {
    let rounds: Int
    /// The release binary.
    let program: String

    func measure(_ report: inout Report) async throws {
        guard access(program, X_OK) == 0 else {
            return report.note("\(program) is not built, so the command was not measured")
        }
        var rows: [Row] = []
        try await Scratch.use("command") { scratch, host in
            rows += try await list(scratch)
            rows.append(try await memory(scratch, host))
        }
        for row in rows { report.add(row) }
    }

    private func list(_ scratch: Scratch) async throws -> [Row] {
        try await Paired(rounds: max(rounds, 30)).measure(
            [
                ("lodge list, whole process, no guest; bare: /bin/true", .milliseconds(15))
            ], processor: .children
        ) {
            [try milliseconds { try run(["/bin/true"]) }]
        } ours: {
            try inside(scratch.namespace) {
                [try milliseconds { try run([program, "--root", scratch.root, "list"]) }]
            }
        }
    }

    private func run(_ words: [String]) throws {
        let code = try Spawned(words).wait()
        guard code == 0 else { throw Failure("\(words.joined(separator: " ")) ended with \(code)") }
    }

    /// Of `lodge run` with a guest that it follows.
    private func memory(_ scratch: Scratch, _ host: Host) async throws -> Row {
        let file = "\(scratch.work)/guest.xml"
        try write(Definition.guest("followed"), to: file)
        let process = try inside(scratch.namespace) {
            try Spawned([program, "--root", scratch.root, "run", "--paused", file])
        }
        defer { process.end() }
        var kibibytes = 0.0
        // Its guest is there first, then it comes to rest.
        for _ in 0..<100 {
            try await Task.sleep(for: .milliseconds(100))
            guard let guest = try? await host.domain("followed"), try await guest.info().supervisor != nil else {
                continue
            }
            try await Task.sleep(for: .milliseconds(500))
            kibibytes = try residentKiB(of: process.pid)
            break
        }
        guard kibibytes > 0 else { throw Failure("lodge run did not start its guest") }
        return Row(
            work: "resident memory of lodge run", unit: "MB", ours: kibibytes * 1024 / 1e6, limit: .megabytes(16))
    }

    private func residentKiB(of pid: pid_t) throws -> Double {
        let text = String(decoding: try contents("/proc/\(pid)/status"), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Double($0) } ?? 0
    }
}
