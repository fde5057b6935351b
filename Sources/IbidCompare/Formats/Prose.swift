extension Tally {
    /// Compares texts in which numbers stand among words: the words must be the same, the numbers within tolerance.
    mutating func prose(_ old: String, _ new: String, group: String, at place: @autoclosure () -> String) {
        let before = old.split(separator: "\n", omittingEmptySubsequences: false)
        let after = new.split(separator: "\n", omittingEmptySubsequences: false)
        let name = place()
        if before.count != after.count {
            return structure("\(name.isEmpty ? "" : name + ": ")\(before.count) lines, now \(after.count)")
        }
        for (number, (left, right)) in zip(before, after).enumerated() {
            line(left, right, group: group, at: (name.isEmpty ? "" : name + ", ") + "line \(number + 1)")
        }
    }

    private mutating func line(_ old: Substring, _ new: Substring, group: String, at place: String) {
        if old == new { return texts(old, new, group: group, at: place) }
        let (before, after) = (NumberText.tokens(old), NumberText.tokens(new))
        // A number that has a digit more moves the blanks of its column.
        func words(_ token: (text: Substring, isNumber: Bool)) -> String {
            token.isNumber ? "#" : token.text.split(separator: " ").joined(separator: " ")
        }
        guard before.count == after.count, zip(before, after).allSatisfy({ words($0) == words($1) }) else {
            return texts(old, new, group: group, at: place)
        }
        for (left, right) in zip(before, after) where left.isNumber {
            texts(left.text, right.text, group: group, at: place)
        }
    }
}
