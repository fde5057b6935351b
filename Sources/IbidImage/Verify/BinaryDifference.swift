/// The reason why two sequences of bytes differ that are no texts.
struct BinaryDifference {
    private let inspector: DifferenceInspector

    init(_ inspector: DifferenceInspector) { self.inspector = inspector }

    func cause(_ first: [UInt8], _ second: [UInt8]) -> DifferenceCause {
        guard first.count == second.count else {
            return DifferenceCause("other bytes", "\(first.count) bytes, then \(second.count)")
        }
        let places = first.indices.filter { first[$0] != second[$0] }
        guard let place = places.first else { return DifferenceCause("other bytes") }
        if places.allSatisfy({ hasTime(first, around: $0) && hasTime(second, around: $0) }) {
            return DifferenceCause("time stamp", "a binary number at byte \(place)")
        }
        if let (before, after) = texts(first, second, at: place) {
            let cause = TextDifference(inspector).cause(before, after)
            if cause.name != "other text" { return cause }
        }
        // Of random bytes one in 256 is the same by chance; of a changed program most are.
        let span = (places.last ?? place) - place + 1
        if span >= 8, places.count * 10 >= span * 9 {
            return DifferenceCause("random", "\(span) bytes without a pattern from byte \(place)")
        }
        return DifferenceCause("other bytes", "\(places.count) of \(first.count), the first at \(place)")
    }

    /// Whether a number over that place is a moment of one of the builds.
    private func hasTime(_ bytes: [UInt8], around place: Int) -> Bool {
        for width in [4, 8] {
            for start in max(0, place - width + 1)...place where start + width <= bytes.count {
                let big = bytes[start..<start + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                let little = bytes[start..<start + width].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
                if inspector.isTime(big) || inspector.isTime(little) { return true }
            }
        }
        return false
    }

    /// The printable texts around that place, when both have one.
    private func texts(_ first: [UInt8], _ second: [UInt8], at place: Int) -> (String, String)? {
        func printable(_ byte: UInt8) -> Bool { (0x20..<0x7f).contains(byte) }
        guard printable(first[place]), printable(second[place]) else { return nil }
        let before = first[..<place].reversed().prefix { printable($0) }.count
        func text(_ bytes: [UInt8]) -> String {
            String(decoding: bytes[(place - before)...].prefix(200).prefix { printable($0) }, as: UTF8.self)
        }
        let (old, new) = (text(first), text(second))
        return old.utf8.count >= 6 ? (old, new) : nil
    }
}
