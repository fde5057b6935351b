/// Several versions of one text, cut into parts that stand in the same place: what varies in it, and what each has there.
///
/// Lines correspond when all versions have as many of them, parts of a line when all versions of the line have as many.
/// What does not correspond is one part as a whole, and so is everything that is no text.
public struct VersionTable: Sendable {
    /// One place where not all versions are the same.
    public struct Place: Sendable {
        /// What each version has there.
        public let parts: [ArraySlice<UInt8>]
        /// The word that it belongs to: parts of one word (`2026-01-02T03:04:05`) belong together.
        public let word: Int
    }

    /// Where they differ, in order; bounded.
    public let places: [Place]

    private static let largestText = 4 << 20
    private static let mostPlaces = 5_000

    /// Compares versions with one another.
    public init(_ versions: [[UInt8]]) {
        let isText = versions.allSatisfy { $0.count <= Self.largestText && !$0.contains(0) }
        let lines = isText ? versions.map { $0.split(omittingEmptySubsequences: false) { $0 == 10 || $0 == 13 } } : []
        guard isText, let count = lines.first?.count, lines.allSatisfy({ $0.count == count }) else {
            places = Self.isSame(versions[...]) ? [] : [Place(parts: versions.map { $0[...] }, word: 0)]
            return
        }
        var (places, word): ([Place], Int) = ([], 0)
        for line in 0..<count where places.count < Self.mostPlaces {
            let rows = lines.map { $0[line] }
            if Self.isSame(rows[...]) { continue }
            Self.add(rows, to: &places, &word)
        }
        self.places = places
    }

    private static func add(_ rows: [ArraySlice<UInt8>], to places: inout [Place], _ word: inout Int) {
        let cut = rows.map(Self.parts)
        word += 1
        guard let count = cut.first?.count, cut.allSatisfy({ $0.count == count }) else {
            places.append(Place(parts: rows, word: word))
            return
        }
        for index in 0..<count {
            let parts = cut.map { $0[index] }
            if parts.contains(where: { $0.first.map(isBetweenWords) ?? false }) { word += 1 }
            if !isSame(parts[...]) { places.append(Place(parts: parts, word: word)) }
        }
    }

    private static func isSame<Bytes: Equatable>(_ parts: ArraySlice<Bytes>) -> Bool {
        parts.dropFirst().allSatisfy { $0 == parts.first }
    }

    // Numbers with their sign, point and exponent; other runs of letters and digits; and every other byte by itself.
    private static func parts(_ line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var (parts, index): ([ArraySlice<UInt8>], Int) = ([], line.startIndex)
        while index < line.endIndex {
            let start = index
            index = number(line, at: start) ?? start
            if index == start { while index < line.endIndex, isLetter(line[index]) { index += 1 } }
            if index == start { index += 1 }
            parts.append(line[start..<index])
        }
        return parts
    }

    private static func number(_ line: ArraySlice<UInt8>, at start: Int) -> Int? {
        var index = start
        let follows = start > line.startIndex ? line[start - 1] : 0x20
        if (line[index] == 43 || line[index] == 45) && isBetweenWords(follows) { index += 1 }
        func digits() -> Bool {
            let first = index
            while index < line.endIndex, (48...57).contains(line[index]) { index += 1 }
            return index > first
        }
        guard index < line.endIndex, digits() else { return nil }
        var end = index
        if index < line.endIndex, line[index] == 46 {
            index += 1
            if digits() { end = index }
        }
        index = end
        if index < line.endIndex, line[index] | 0x20 == 0x65 {
            index += 1
            if index < line.endIndex, line[index] == 43 || line[index] == 45 { index += 1 }
            if digits() { end = index }
        }
        // `3fa9` and `0x7f10` are words, and so is `1.2.3`.
        return end < line.endIndex && isLetter(line[end]) ? nil : end
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == 95 || byte >= 128
    }

    private static func isBetweenWords(_ byte: UInt8) -> Bool { byte <= 0x20 || "[](){}<>\"'`;=|,".utf8.contains(byte) }

    /// How far two parts are from one another: of numbers (addresses with `0x` too) their difference, infinity for
    /// anything else that is not the same.
    public static func distance(_ old: ArraySlice<UInt8>, _ new: ArraySlice<UInt8>) -> Double {
        if old == new { return 0 }
        let (old, new) = (String(decoding: old, as: UTF8.self), String(decoding: new, as: UTF8.self))
        if let left = address(old), let right = address(new) {
            return Double(max(left, right) - min(left, right))
        }
        return NumberText.distance(old, new).flatMap { $0.isNaN ? nil : $0 } ?? .infinity
    }

    private static func address(_ text: String) -> UInt64? {
        text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : nil
    }
}
