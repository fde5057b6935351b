/// Levenshtein distance, for "did you mean".
enum EditDistance {
    static func between(_ left: String, _ right: String) -> Int {
        // Long words are no misspellings of an instruction, and would cost their product.
        guard left.utf8.count <= 40, right.utf8.count <= 40 else { return .max }
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var previous = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let cost = min(row[j + 1] + 1, row[j] + 1, previous + (a[i] == b[j] ? 0 : 1))
                (previous, row[j + 1]) = (row[j + 1], cost)
            }
        }
        return row[b.count]
    }
}
