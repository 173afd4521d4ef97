import Foundation
import Testing

/// Each operation, killed with SIGKILL at each of its state-changing calls, one after the other.
///
/// After each kill the next command loads the root and must leave nothing half-made; the same operation must then work;
/// and when all is taken away again the host must be as it was. `LODGE_TORTURE=all` runs every point (`make torture`);
/// otherwise a sample that differs each time, whose seed is printed. `LODGE_TORTURE_SEED` repeats one,
/// `LODGE_TORTURE_POINT=start:17:before` runs a single point, `LODGE_TORTURE=start,destroy` all of these operations.
@Suite("Killed at every system call", .serialized, .enabled(if: Sweep.isPossible, Sweep.needs))
struct KillSweepTests {
    @Test(arguments: Sweep.operations)
    func survives(_ operation: Operation) throws {
        let began = Sweep.Total.start()
        let points = try Sweep.points(of: operation)
        let chosen = Sweep.choice(from: points)
        let violations = Sweep.run(chosen)
        for violation in violations { Issue.record(Comment(rawValue: violation.description)) }
        let failed = Set(violations.map(\.point.key)).count
        let seconds = Int((ContinuousClock.now - began).components.seconds)
        print("crash: \(operation.name): \(chosen.count) of \(points.count) points, \(failed) violated, \(seconds) s")
        Sweep.Total.add(points: chosen.count, violated: failed, isLast: operation.name == Sweep.operations.last?.name)
    }
}

/// Which points, and in what order.
enum Sweep {
    static let needs: Comment = "needs root, the first tier and the program ip"
    static let isPossible: Bool =
        geteuid() == 0 && ["root", nil].contains(environment["LODGE_TEST_TIER"])
        && FileManager.default.isExecutableFile(atPath: "/sbin/ip")

    private static let environment = ProcessInfo.processInfo.environment
    private static let wish = environment["LODGE_TORTURE"] ?? ""
    private static let single = environment["LODGE_TORTURE_POINT"]

    static let operations: [Operation] = Operation.all.filter { operation in
        if let single { return single.hasPrefix(operation.name + ":") }
        return wish.isEmpty || wish == "all" || wish.split(separator: ",").contains(Substring(operation.name))
    }

    /// Every point of an operation. It is run twice: its calls must come in the same order each time.
    static func points(of operation: Operation) throws -> [KillPoint] {
        let runs = try (0..<2).map { _ in
            let host = try CrashHost(first: operation.isFirst)
            try host.step(["list"])
            for step in operation.prepare { try host.step(step) }
            return try host.points(of: operation.command)
        }
        let names = runs.map { $0.map { $0.prefix { $0 != " " } } }
        guard names[0] == names[1] else {
            let differs = zip(names[0], names[1]).enumerated().first { $1.0 != $1.1 }?.offset ?? names[0].count
            throw CrashHost.Failure(
                "the calls of '\(operation)' do not come in one order: \(names[0].count) and \(names[1].count), "
                    + "from \(differs + 1) on: \(runs.map { $0.dropFirst(differs).prefix(3).joined(separator: "; ") })")
        }
        return runs[0].enumerated().flatMap { index, call in
            KillPoint.Mode.allCases.filter { $0 != .during || call.makesProcess }
                .map { KillPoint(operation: operation, index: index + 1, mode: $0, call: call) }
        }
    }

    static func choice(from points: [KillPoint]) -> [KillPoint] {
        if let single { return points.filter { $0.key == single } }
        guard wish.isEmpty else { return points }
        var generator = SplitMix(state: seed)
        // The calls that make processes are few and the worst: one of them is always among the chosen.
        let always = points.filter { $0.mode == .during }.shuffled(using: &generator).prefix(1)
        let others = points.filter { $0.mode != .during }.shuffled(using: &generator).prefix(sampleSize)
        return Array(always + others)
    }

    /// How many points of each operation a run tries that is not asked for all.
    private static let sampleSize = 5

    private static let seed: UInt64 = {
        let seed = environment["LODGE_TORTURE_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 1...UInt64.max)
        print("crash: LODGE_TORTURE_SEED=\(seed)")
        return seed
    }()

    struct Violation: Sendable, CustomStringConvertible {
        var point: KillPoint
        var what: String
        var description: String { "\(point): \(what)" }
    }

    /// Tries points, as many at once as there are processors: each has a root and a namespace of its own.
    static func run(_ points: [KillPoint]) -> [Violation] {
        let found = Found()
        let queue = OperationQueue()
        queue.maxConcurrentOperationCount = min(4, ProcessInfo.processInfo.activeProcessorCount)
        for point in points {
            queue.addOperation {
                do {
                    for what in try check(point) { found.add(Violation(point: point, what: what)) }
                } catch {
                    found.add(Violation(point: point, what: "\(error)"))
                }
            }
        }
        queue.waitUntilAllOperationsAreFinished()
        return found.all.sorted { ($0.point.index, $0.point.mode.rawValue) < ($1.point.index, $1.point.mode.rawValue) }
    }

    /// Kills one operation at one point. What does not hold afterwards.
    private static func check(_ point: KillPoint) throws -> [String] {
        let operation = point.operation
        let host = try CrashHost(first: operation.isFirst)
        try host.step(["list"])
        let before = try host.snapshot()
        for step in operation.prepare { try host.step(step) }
        guard try host.kill(operation.command, at: point) else {
            throw CrashHost.Failure("the operation ended before it came there")
        }

        var violations = try host.inconsistencies("after the kill", keeps: operation.keeps)
        let again = try host.lodge(operation.command)
        let errors = again.errors.lowercased()
        if again.status != 0, !operation.doneAlready.contains(where: { errors.contains($0) }) {
            violations.append("the retry failed: \(again)")
        }
        violations += try host.inconsistencies("after the retry", keeps: operation.keeps)
        let outcome = try host.outcome()
        if outcome != operation.outcome {
            violations.append("after the retry: \(outcome) instead of \(operation.outcome)")
        }
        for step in operation.finish { _ = try host.lodge(step) }
        let left = try host.residue(since: before)
        if !left.isEmpty { violations.append("left in the end: \(left)") }
        return violations
    }

    private final class Found: @unchecked Sendable {
        // Proof: touched only with the lock.
        private var violations: [Violation] = []
        private let lock = NSLock()
        func add(_ violation: Violation) {
            print("crash: \(violation)")
            lock.withLock { violations.append(violation) }
        }
        var all: [Violation] { lock.withLock { violations } }
    }

    /// The last line of a whole sweep.
    enum Total {
        // Proof: the suite is serialized.
        nonisolated(unsafe) private static var points = 0
        nonisolated(unsafe) private static var violated = 0
        private static let began = ContinuousClock.now

        /// The time now, and with the first operation that of the whole.
        static func start() -> ContinuousClock.Instant {
            _ = began
            return .now
        }

        static func add(points more: Int, violated bad: Int, isLast: Bool) {
            points += more
            violated += bad
            guard isLast else { return }
            let seconds = (ContinuousClock.now - began).components.seconds
            print("crash: in all \(points) points, \(violated) violated, \(seconds) s")
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

extension String {
    fileprivate var makesProcess: Bool { hasPrefix("clone") || hasPrefix("vfork") || hasPrefix("fork") }
}
