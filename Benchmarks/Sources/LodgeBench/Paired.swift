import Glibc

/// Two ways to do one piece of work, timed in turn in one run, so that the machine's drift hits both alike.
struct Paired {
    var rounds: Int

    /// Who computes our side of the work.
    enum Processor {
        case unknown, own, children

        fileprivate var now: Double { self == .unknown ? 0 : processorTime(ofChildren: self == .children) }
    }

    /// Each closure does its work once and returns what counts of it, in milliseconds, one figure for each of `works`.
    /// The first round warms up and is not counted.
    func measure(
        _ works: [(name: String, limit: Limit?)], processor: Processor = .unknown, bare: () async throws -> [Double],
        ours: () async throws -> [Double]
    ) async throws -> [Row] {
        var pairs: [(bare: [Double], ours: [Double])] = []
        var computed: [Double] = []
        func timed() async throws -> [Double] {
            let before = processor.now
            let times = try await ours()
            computed.append(processor.now - before)
            return times
        }
        for round in 0...rounds {
            // Turn about, so that neither always profits from what the other warmed.
            let pair: ([Double], [Double])
            if round.isMultiple(of: 2) {
                let first = try await bare()
                pair = (first, try await timed())
            } else {
                let first = try await timed()
                pair = (try await bare(), first)
            }
            if round > 0 { pairs.append(pair) }
        }
        return works.enumerated().map { column, work in
            Row(
                work: work.name, bare: median(pairs.map { $0.bare[column] }),
                ours: median(pairs.map { $0.ours[column] }),
                ratio: median(pairs.map { $0.ours[column] / $0.bare[column] }), limit: work.limit,
                processor: processor == .unknown || works.count > 1 ? nil : median(Array(computed.dropFirst())))
        }
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

/// Milliseconds on the monotonic clock that `body` takes.
func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return (ContinuousClock.now - start) / .milliseconds(1)
}

/// Milliseconds that this process, or its children that were waited for, have computed so far.
func processorTime(ofChildren: Bool = false) -> Double {
    var usage = rusage()
    // RUSAGE_CHILDREN and RUSAGE_SELF, which C has as an enumeration.
    getrusage(__rusage_who_t(ofChildren ? -1 : 0), &usage)
    let seconds = Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
    let microseconds = Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    return seconds * 1e3 + microseconds / 1e3
}

/// The same for work that does not wait.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .milliseconds(1)
}
