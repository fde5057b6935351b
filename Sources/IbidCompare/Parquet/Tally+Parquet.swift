extension Tally {
    /// Compares two Parquet files column by column; how they are cut, encoded and compressed has no say.
    static func parquet(_ old: [UInt8], _ new: [UInt8], _ tolerance: Tolerance) throws(Unreadable) -> Tally {
        let (before, after) = (try ParquetFile(old), try ParquetFile(new))
        var tally = Tally(tolerance)
        if before.rows != after.rows { tally.structure("\(before.rows) rows, now \(after.rows)") }
        let names = before.columns.map(\.name)
        if Set(names) != Set(after.columns.map(\.name)) {
            for name in names where !after.columns.contains(where: { $0.name == name }) {
                tally.structure("column \(clip(name, 40)) is gone")
            }
            for column in after.columns where !names.contains(column.name) {
                tally.structure("column \(clip(column.name, 40)) is new")
            }
        } else if names != after.columns.map(\.name) {
            tally.structure("the same columns, in another order")
        }
        var budgets = (ParquetBudget(), ParquetBudget())
        for (index, column) in before.columns.enumerated() {
            // Where a name stands twice, its places count.
            let occurrence = names[..<index].count { $0 == column.name }
            let others = after.columns.indices.filter { after.columns[$0].name == column.name }
            guard occurrence < others.count else { continue }
            let other = others[occurrence]
            let left = try before.values(of: index, &budgets.0)
            let right = try after.values(of: other, &budgets.1)
            var (mine, theirs) = (column, after.columns[other])
            if mine != theirs {
                if mine.type == theirs.type { (mine.type, theirs.type) = ("required or repeated otherwise", "not so") }
                tally.structure("column \(clip(column.name, 40)) was \(mine.type), is \(theirs.type)")
                continue
            }
            tally.values(left, right, of: column)
        }
        // Last: where columns differ, a writer's own description of them does too.
        tally.notes(before.notes, after.notes)
        return tally
    }

    private mutating func notes(_ old: [(key: String, value: String)], _ new: [(key: String, value: String)]) {
        let left = Dictionary(old.map { ($0.key, $0.value) }, uniquingKeysWith: { $0 + $1 })
        let right = Dictionary(new.map { ($0.key, $0.value) }, uniquingKeysWith: { $0 + $1 })
        // Arrow's form of the schema holds the other notes once more.
        let keys = Set(left.keys).union(right.keys).sorted()
        let ordered = keys.filter { $0 != "ARROW:schema" } + keys.filter { $0 == "ARROW:schema" }
        for key in ordered where left[key] != right[key] {
            structure("the metadata '\(Self.clip(key, 40))' differ")
        }
    }

    private mutating func values(_ old: ParquetValues, _ new: ParquetValues, of column: ParquetColumn) {
        let group = "column \(Self.clip(column.name, 40))"
        var (left, right, row) = (0, 0, 0)
        for entry in 0..<min(old.count, new.count) {
            let repeats = old.repetitions.isEmpty ? 0 : old.repetitions[entry]
            if repeats == 0 { row += 1 }
            if !old.repetitions.isEmpty, repeats != new.repetitions[entry] {
                return structure("\(group) has a list of another length in row \(row)")
            }
            let was = old.definitions.isEmpty ? column.deepestDefinition : Int(old.definitions[entry])
            let now = new.definitions.isEmpty ? column.deepestDefinition : Int(new.definitions[entry])
            let (isThere, isThereNow) = (was == column.deepestDefinition, now == column.deepestDefinition)
            let place = { "row \(row), \(group)" }
            if isThere && isThereNow {
                value(old.values, left, new.values, right, column.meaning, group: group, at: place())
            } else if was != now {
                let words = { (isThere: Bool, values: ParquetValues.Values, index: Int) in
                    isThere ? values.text(index) : "missing"
                }
                exact(
                    words(isThere, old.values, left), words(isThereNow, new.values, right), group: group, at: place())
            }
            left += isThere ? 1 : 0
            right += isThereNow ? 1 : 0
        }
    }

    private mutating func value(
        _ old: ParquetValues.Values, _ left: Int, _ new: ParquetValues.Values, _ right: Int,
        _ meaning: ParquetColumn.Meaning, group: String, at place: @autoclosure () -> String
    ) {
        switch (old, new, meaning) {
        case (.numbers(let before), .numbers(let after), _):
            numbers(before[left], after[right], group: group, at: place())
        case (.integers(let before), .integers(let after), .number):
            integers(Int128(before[left]), Int128(after[right]), group: group, at: place())
        case (.integers(let before), .integers(let after), .unsigned):
            let value = { (bits: Int64) in Int128(UInt64(bitPattern: bits)) }
            integers(value(before[left]), value(after[right]), group: group, at: place())
        case (.integers(let before), .integers(let after), .decimal(let scale)):
            integers(Int128(before[left]), Int128(after[right]), scale: scale, group: group, at: place())
        case (.bytes(let before), .bytes(let after), .decimal(let scale))
        where before[left].count <= 16 && after[right].count <= 16:
            integers(Int128(big: before[left]), Int128(big: after[right]), scale: scale, group: group, at: place())
        case (.bytes(let before), .bytes(let after), .half) where before[left].count == 2 && after[right].count == 2:
            numbers(
                NumpyArray.half(before[left]), NumpyArray.half(after[right]), group: group, at: place())
        case (.bytes(let before), .bytes(let after), _) where before[left] == after[right]: same()
        case (.integers(let before), .integers(let after), _) where before[left] == after[right]: same()
        default: exact(old.text(left), new.text(right), group: group, at: place())
        }
    }
}

extension ParquetValues.Values {
    /// One value as a person reads it.
    fileprivate func text(_ index: Int) -> String {
        switch self {
        case .numbers(let values): return "\(values[index])"
        case .integers(let values): return "\(values[index])"
        case .bytes(let values):
            let start = values[index].prefix(400)
            if let text = String(validating: start, as: UTF8.self) { return text }
            return start.prefix(40).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}

extension Int128 {
    /// At most 16 bytes in two's complement, the most significant first.
    fileprivate init(big bytes: ArraySlice<UInt8>) {
        let sign: Int128 = (bytes.first ?? 0) >= 0x80 ? -1 : 0
        self = bytes.reduce(sign) { $0 << 8 | Int128($1) }
    }
}
