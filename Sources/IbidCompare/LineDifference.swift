/// Two texts, line by line, as `diff` shows them; bounded in time and length.
struct LineDifference {
    let summary: String
    /// `-` for lines that are gone, `+` for new ones, with line numbers.
    let lines: [String]

    /// Where more lines than this differ, they are shown side by side instead of being matched.
    private static let most = 1_500
    private static let shown = 40

    init(_ before: [UInt8], _ after: [UInt8]) {
        let old = before.split(separator: 10, omittingEmptySubsequences: false)
        let new = after.split(separator: 10, omittingEmptySubsequences: false)
        let head = zip(old, new).prefix { $0 == $1 }.count
        let tail = zip(old.dropFirst(head).reversed(), new.dropFirst(head).reversed()).prefix { $0 == $1 }.count
        let left = Array(old[head..<old.count - tail])
        let right = Array(new[head..<new.count - tail])
        var lines: [String] = []
        var count = max(left.count, right.count)
        func text(_ mark: String, _ number: Int, _ line: ArraySlice<UInt8>) -> String {
            "\(mark) \(number): " + Tally.clip(String(decoding: line.prefix(400), as: UTF8.self), 160)
        }
        if max(left.count, right.count) <= Self.most {
            let changes = right.difference(from: left)
            count = max(changes.insertions.count, changes.removals.count)
            let sorted = changes.map { change -> (place: Int, text: String) in
                switch change {
                case .remove(let offset, let line, _): (offset * 2, text("-", head + offset + 1, line))
                case .insert(let offset, let line, _): (offset * 2 + 1, text("+", head + offset + 1, line))
                }
            }.sorted { $0.place < $1.place }
            lines = sorted.prefix(Self.shown).map(\.text)
        } else {
            for index in 0..<Self.shown / 2 {
                if index < left.count { lines.append(text("-", head + index + 1, left[index])) }
                if index < right.count { lines.append(text("+", head + index + 1, right[index])) }
            }
        }
        self.lines = lines
        summary = "\(count) of \(max(old.count, new.count)) lines differ, the first is line \(head + 1)"
    }
}
