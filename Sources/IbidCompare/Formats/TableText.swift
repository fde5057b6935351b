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
        let counts = candidates.map { candidate in line.count { $0 == candidate } }
        let most = counts.max() ?? 0
        return most == 0 ? 44 : candidates[counts.firstIndex(of: most) ?? 0]
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
        var before = TableText(old, separator: separator)
        // One separator for both: a changed one is a difference.
        var after = TableText(new, separator: before.separator)
        var header: [String] = []
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
            if row == 1 && !left.contains(where: { NumberText.parse($0) != nil }) { header = left }
            guard left.count == right.count else {
                tally.structure("line \(row) has \(left.count) columns, now \(right.count)")
                continue
            }
            for (column, (old, new)) in zip(left, right).enumerated() {
                let name = column < header.count ? header[column] : ""
                let group = "column " + (name.isEmpty ? String(column + 1) : clip(name, 40))
                tally.texts(old, new, group: group, at: "line \(row), \(group)")
            }
        }
    }
}
