/// What of a row may not be exceeded.
enum Limit {
    /// Our time as a multiple of the bare one.
    case ratio(Double)
    /// Our time by itself, in milliseconds.
    case milliseconds(Double)
    /// Our memory, in MB of a million bytes.
    case megabytes(Double)

    var text: String {
        switch self {
        case .ratio(let limit): "x \(number(limit))"
        case .milliseconds(let limit): "\(number(limit)) ms"
        case .megabytes(let limit): "\(number(limit)) MB"
        }
    }
}

/// One line of the table: ours beside the bare work of the same run.
struct Row {
    var work: String
    /// What the bare side does, or what the row is measured in.
    var unit = "ms"
    var bare: Double?
    var ours: Double
    /// The median of the ratios pair by pair, not the ratio of the medians.
    var ratio: Double?
    var limit: Limit?
    /// Of our time what this process computed: what a busy machine does not lengthen.
    var processor: Double?

    var verdict: String {
        switch limit {
        case nil: "-"
        case .ratio(let limit): (ratio ?? .infinity) <= limit ? "ok" : "over"
        case .milliseconds(let limit), .megabytes(let limit): ours <= limit ? "ok" : "over"
        }
    }
}

/// The table, as it grows.
struct Report {
    private var rows: [Row] = []
    private var notes: [String] = []

    mutating func add(_ row: Row) {
        rows.append(row)
        say("  \(row.work): \(row.verdict)")
    }

    mutating func note(_ text: String) { notes.append(text) }

    var isEmpty: Bool { rows.isEmpty }

    func printTable() {
        let header = ["work", "bare", "ours", "", "of it cpu", "ratio", "limit", "result"]
        let lines = rows.map { row in
            [
                row.work, row.bare.map(number) ?? "-", number(row.ours), row.unit, row.processor.map(number) ?? "-",
                row.ratio.map(number) ?? "-", row.limit?.text ?? "-", row.verdict,
            ]
        }
        let all = [header] + lines
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        print("")
        for (index, row) in all.enumerated() {
            let cells = row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 || column == 3 ? row[column] + space : space + row[column]
            }
            print(cells.joined(separator: "  "))
            if index == 0 { print(String(repeating: "-", count: widths.reduce(0, +) + 2 * (widths.count - 1))) }
        }
        if !notes.isEmpty { print("") }
        for note in notes { print("- \(note)") }
        let over = rows.filter { $0.verdict == "over" }.count
        print("\n\(rows.count) rows, \(over) over their limit")
    }
}

/// Three digits, as far as they say something.
func number(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    if value >= 100 { return "\(Int(value.rounded()))" }
    let scale = value >= 10 ? 10.0 : 100.0
    return "\((value * scale).rounded() / scale)"
}
