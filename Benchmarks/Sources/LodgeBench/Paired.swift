/// Two ways to do one piece of work, timed in turn in one run, so that the machine's drift hits both alike.
struct Paired {
    var rounds: Int

    /// Each closure does its work once and returns what counts of it, in milliseconds, one figure for each of `works`.
    /// The first round warms up and is not counted.
    func measure(
        _ works: [(name: String, limit: Limit?)], bare: () async throws -> [Double],
        ours: () async throws -> [Double]
    ) async throws -> [Row] {
        var pairs: [(bare: [Double], ours: [Double])] = []
        for round in 0...rounds {
            // Turn about, so that neither always profits from what the other warmed.
            let pair: ([Double], [Double])
            if round.isMultiple(of: 2) {
                let first = try await bare()
                pair = (first, try await ours())
            } else {
                let first = try await ours()
                pair = (try await bare(), first)
            }
            if round > 0 { pairs.append(pair) }
        }
        return works.enumerated().map { column, work in
            Row(
                work: work.name, bare: median(pairs.map { $0.bare[column] }),
                ours: median(pairs.map { $0.ours[column] }),
                ratio: median(pairs.map { $0.ours[column] / $0.bare[column] }), limit: work.limit)
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

/// The same for work that does not wait.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start) / .milliseconds(1)
}
