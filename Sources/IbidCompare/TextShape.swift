/// Kinds of text that change on every run and can be recognised by their shape.
public struct TextShape: Sendable {
    /// What it is.
    public let nature: Explanation.Nature
    /// The pattern that finds it; as the `drop` of a rule it leaves it out. Nil for another order.
    public let pattern: String?

    private static let shapes: [(Explanation.Nature, String)] = [
        (.uuids, "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"),
        (.addresses, "0x[0-9a-fA-F]{6,16}"),
        (
            .times,
            #"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?|\d\d:\d\d:\d\d(\.\d+)?|1\d{9}(\.\d+)?"#
        ),
        (.temporaryNames, "tmp[a-z0-9_]{8}"),
    ]
    private static let largestText = 4 << 20

    /// The one shape that explains the whole difference of two texts; nil when none does.
    public static func between(_ before: [UInt8], _ after: [UInt8]) -> TextShape? {
        guard max(before.count, after.count) <= largestText else { return nil }
        for (nature, text) in shapes {
            guard let pattern = try? TextPattern(text) else { preconditionFailure("a pattern of ours is malformed") }
            var budget = 10_000_000 + 64 * (before.count + after.count)
            if let old = removed(pattern, before, &budget), let new = removed(pattern, after, &budget), old == new {
                return TextShape(nature: nature, pattern: text)
            }
        }
        return isReordered(before, after) ? TextShape(nature: .order, pattern: nil) : nil
    }

    private static func removed(_ pattern: TextPattern, _ bytes: [UInt8], _ budget: inout Int) -> [[UInt8]]? {
        var lines: [[UInt8]] = []
        for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            guard let rest = pattern.removed(from: line, budget: &budget) else { return nil }
            lines.append(rest)
        }
        return lines
    }

    // The same lines, or the same words between brackets, commas and blanks.
    private static func isReordered(_ before: [UInt8], _ after: [UInt8]) -> Bool {
        guard before.count == after.count, before != after else { return false }
        let separators = Set(" \t\r\n,;[](){}".utf8)
        func words(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
            bytes.split(omittingEmptySubsequences: true) { separators.contains($0) }
                .sorted { $0.lexicographicallyPrecedes($1) }
        }
        let parts = words(before)
        if parts.count > 1 && parts == words(after) { return true }
        // Too long for chance.
        return before.count >= 32 && before.sorted() == after.sorted()
    }

    // MARK: PDF

    /// Whether two PDF files differ in nothing but dates and the identifiers made of them.
    static func pdfDates(_ before: [UInt8], _ after: [UInt8]) -> (isOnlyDifference: Bool, example: String?) {
        func split(_ bytes: [UInt8]) -> (rest: [UInt8], dates: [String]) {
            var (rest, dates): ([UInt8], [String]) = ([], [])
            var index = 0
            while index < bytes.count {
                // `(D:20260101120000Z)` and `<0123…>`, 32 hexadecimal digits.
                if bytes[index...].starts(with: "(D:".utf8), let end = bytes[index...].prefix(40).firstIndex(of: 41) {
                    dates.append(String(decoding: bytes[index + 1..<end], as: UTF8.self))
                    index = end + 1
                } else if bytes[index] == 60, index + 33 < bytes.count, bytes[index + 33] == 62,
                    bytes[index + 1..<index + 33].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
                {
                    index += 34
                } else {
                    rest.append(bytes[index])
                    index += 1
                }
            }
            return (rest, dates)
        }
        let (old, new) = (split(before), split(after))
        let example = zip(old.dates, new.dates).first { $0 != $1 }.map { "\($0) → \($1)" }
        return (old.rest == new.rest, example)
    }

    /// The number of the PDF object that a byte lies in: the last `N 0 obj` before it.
    static func pdfObject(_ bytes: [UInt8], at place: Int) -> Int? {
        var index = min(place, bytes.count - 5)
        while index > 0 {
            if bytes[index...].starts(with: " 0 obj".utf8) {
                let digits = bytes[..<index].suffix(10).reversed().prefix { (48...57).contains($0) }
                return Int(String(decoding: digits.reversed(), as: UTF8.self))
            }
            index -= 1
        }
        return nil
    }
}
