/// A table as virsh prints it: a blank before each row, three between columns, a line of dashes under the header.
struct Table {
    var header: [String]
    var rows: [[String]] = []

    init(_ header: String...) { self.header = header }

    mutating func add(_ cells: String...) { rows.append(cells) }

    /// - Parameter quiet: rows only, as `virsh -q` prints.
    func lines(quiet: Bool) -> [String] {
        let all = (quiet ? [] : [header]) + rows
        let widths = header.indices.map { column in all.map { Self.width(of: $0[column]) }.max() ?? 0 }
        var lines = all.map { cells in
            zip(cells, widths).enumerated().map { index, cell in
                let last = index == cells.count - 1
                return " " + cell.0 + (last ? "" : String(repeating: " ", count: cell.1 - Self.width(of: cell.0) + 2))
            }.joined()
        }
        if !quiet { lines.insert(String(repeating: "-", count: widths.reduce(0) { $0 + $1 + 3 }), at: 1) }
        return lines
    }

    /// Columns on a terminal, near enough: wide East Asian letters and most pictures take two, marks none.
    private static func width(of text: String) -> Int {
        text.reduce(0) { sum, character in
            guard let scalar = character.unicodeScalars.first else { return sum }
            if scalar.properties.isEmojiPresentation { return sum + 2 }
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0x20000...0x3FFFD:
                return sum + 2
            default: return sum + 1
            }
        }
    }
}

/// `Name:           value` lines, as `dominfo` prints them.
enum Fields {
    static func lines(_ fields: [(String, String?)]) -> [String] {
        fields.compactMap { name, value in
            guard let value else { return nil }
            let label = name + ":"
            return label + String(repeating: " ", count: max(1, 16 - label.count)) + value
        }
    }

    static func yesNo(_ value: Bool) -> String { value ? "yes" : "no" }
}
