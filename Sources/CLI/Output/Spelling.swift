/// Tells a slip of the finger from another word.
enum Spelling {
    /// Whether the words differ by at most two letters, one for short words, or by the order of their letters.
    static func isNear(_ given: String, _ known: String) -> Bool {
        given.sorted() == known.sorted()
            || distance(Array(given.utf8.prefix(40)), Array(known.utf8)) <= (known.utf8.count > 5 ? 2 : 1)
    }

    /// Levenshtein's edit distance.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let next = min(row[j + 1] + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = next
            }
        }
        return row[b.count]
    }
}
