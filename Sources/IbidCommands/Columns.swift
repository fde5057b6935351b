/// How much room text takes on a terminal.
enum Columns {
    /// The columns of a text. Never too few: where terminals do not agree (sequences of emoji), the most.
    static func count(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + width($1) } }

    /// The start of a text that fits so many columns; an ellipsis says that something is missing.
    static func cut(_ text: String, to columns: Int) -> String {
        if count(text) <= columns { return text }
        guard columns > 0 else { return "" }
        var (start, used) = ("", 0)
        for character in text {
            used += count(String(character))
            if used > columns - 1 { break }
            start.append(character)
        }
        return start + "…"
    }

    // Unicode Standard Annex 11: wide and fullwidth; what has no width of its own combines with what is before it.
    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation || wide.contains(where: { $0.contains(scalar.value) }) { return 2 }
        return 1
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115f, 0x2329...0x232a, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0xa4cf,
        0xa960...0xa97c, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff00...0xff60,
        0xffe0...0xffe6, 0x16fe0...0x18aff, 0x1b000...0x1b2ff, 0x1f300...0x1f64f, 0x1f680...0x1f6ff,
        0x1f900...0x1f9ff, 0x20000...0x3fffd,
    ]
}
