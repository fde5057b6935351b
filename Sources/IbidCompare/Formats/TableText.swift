/// CSV and its relatives, read row by row (RFC 4180: quotes, doubled quotes, line breaks inside quotes).
struct TableText {
    private let bytes: ArraySlice<UInt8>
    private var index: Int
    let separator: UInt8

    /// - Parameter separator: nil for the one that the first line uses most.
    init(_ bytes: [UInt8], separator: UInt8? = nil) {
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        self.bytes = bytes[start...]
        index = start
        self.separator = separator ?? Self.guess(bytes[start...].prefix { $0 != 10 })
    }

    private static func guess(_ line: ArraySlice<UInt8>) -> UInt8 {
        let candidates: [UInt8] = [44, 9, 59, 124]  // , tab ; |
        var (counts, isQuoted) = ([0, 0, 0, 0], false)
        for byte in line {
            if byte == 34 { isQuoted.toggle() }
            if !isQuoted, let place = candidates.firstIndex(of: byte) { counts[place] += 1 }
        }
        let most = counts.max() ?? 0
        return most == 0 ? 44 : candidates[counts.firstIndex(of: most) ?? 0]
    }

    /// Whether the cells of a table stand between blanks, as `numpy.savetxt` writes them by itself.
    static func isBlankSeparated(_ bytes: [UInt8]) -> Bool {
        let line = bytes.prefix { $0 != 10 }
        return line.contains(32) && !line.contains { [44, 9, 59, 124, 34].contains($0) }
    }

    /// The next row; nil at the end.
    mutating func next() -> [String]? {
        guard index < bytes.endIndex else { return nil }
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            if isQuoted {
                if byte != 34 {
                    field.append(byte)
                } else if index < bytes.endIndex, bytes[index] == 34 {
                    field.append(34)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if byte == 34 && field.isEmpty {
                isQuoted = true
            } else if byte == separator {
                row.append(String(decoding: field, as: UTF8.self))
                field.removeAll(keepingCapacity: true)
            } else if byte == 10 {
                break
            } else if byte != 13 || (index < bytes.endIndex && bytes[index] != 10) {
                field.append(byte)
            }
        }
        row.append(String(decoding: field, as: UTF8.self))
        return row
    }
}

extension Tally {
    /// Compares two tables cell by cell.
    static func tables(_ old: [UInt8], _ new: [UInt8], separator: UInt8? = nil, _ tolerance: Tolerance) -> Tally {
        var tally = Tally(tolerance)
        if separator == nil && TableText.isBlankSeparated(old) {
            tally.prose(String(decoding: old, as: UTF8.self), String(decoding: new, as: UTF8.self), group: "", at: "")
            return tally
        }
        var before = TableText(old, separator: separator)
        // One separator for both: a changed one is a difference.
        var after = TableText(new, separator: before.separator)
        var (header, pairs): ([String], [(Int, Int)]?) = ([], nil)
        var row = 0
        while true {
            let (left, right) = (before.next(), after.next())
            if left == nil && right == nil { return tally }
            row += 1
            guard let left, let right else {
                var rows = row
                while (left == nil ? after.next() : before.next()) != nil { rows += 1 }
                tally.structure(left == nil ? "\(row - 1) lines, now \(rows)" : "\(rows) lines, now \(row - 1)")
                return tally
            }
            // The first row names the columns unless it holds a number.
            if row == 1 && !(left + right).contains(where: { NumberText.parse($0) != nil }) {
                header = left
                pairs = tally.columns(left, right)
                if pairs != nil { continue }
            }
            guard left.count == right.count || pairs != nil else {
                tally.structure("line \(row) has \(left.count) columns, now \(right.count)")
                continue
            }
            for (column, other) in pairs ?? left.indices.map({ ($0, $0) }) {
                guard column < left.count, other < right.count else {
                    tally.structure("line \(row) has \(left.count) columns, now \(right.count)")
                    break
                }
                let name = column < header.count ? header[column] : ""
                let group = "column " + (name.isEmpty ? String(column + 1) : clip(name, 40))
                tally.cell(
                    left[column], right[other], isDecimalComma: before.separator == 59, group: group,
                    at: "line \(row), \(group)")
            }
        }
    }

    // When columns came, went or changed places, those that are in both are found by their names.
    private mutating func columns(_ old: [String], _ new: [String]) -> [(Int, Int)]? {
        let (before, after) = (Set(old), Set(new))
        guard old != new, before.count == old.count, after.count == new.count, !before.isDisjoint(with: after) else {
            return nil
        }
        for name in old where !after.contains(name) { structure("column \(Self.clip(name, 40)) is gone") }
        for name in new where !before.contains(name) { structure("column \(Self.clip(name, 40)) is new") }
        if before == after { structure("the same columns, in another order") }
        return old.indices.compactMap { column in new.firstIndex(of: old[column]).map { (column, $0) } }
    }

    private mutating func cell(
        _ old: String, _ new: String, isDecimalComma: Bool, group: String, at place: @autoclosure () -> String
    ) {
        func number(_ text: String) -> String {
            let trimmed = text.drop { $0 == " " }
            let isComma = isDecimalComma && !text.utf8.contains(46) && text.utf8.count { $0 == 44 } == 1
            let plain = isComma ? String(trimmed.map { $0 == "," ? "." : $0 }) : String(trimmed)
            return String(plain.reversed().drop { $0 == " " }.reversed())
        }
        if old.utf8.elementsEqual(new.utf8) { return same() }
        let (left, right) = (number(old), number(new))
        if NumberText.parse(left) != nil && NumberText.parse(right) != nil {
            texts(left, right, group: group, at: place())
        } else {
            exact(old, new, group: group, at: place())
        }
    }
}
