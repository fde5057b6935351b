/// A leaf of a Parquet schema: where its values lie in records, and how they are written.
struct ParquetColumn: Hashable {
    /// The physical types of parquet.thrift.
    enum Storage: Int, Hashable {
        case boolean, int32, int64, int96, float, double, bytes, fixedBytes
    }

    /// What the values mean, as far as it decides how they are compared.
    enum Meaning: Hashable {
        /// Numbers, within a tolerance.
        case number
        /// Whole numbers without a sign.
        case unsigned
        /// Whole numbers of units of 10^-scale.
        case decimal(scale: Int)
        /// Numbers of 16 bits.
        case half
        /// Everything else: texts, times, bytes. Must be the same.
        case exact
    }

    var name: String
    var storage: Storage
    /// The length of `fixedBytes`.
    var length: Int
    var meaning: Meaning
    /// How many of the levels above may be missing.
    var deepestDefinition: Int
    /// How many of the levels above repeat.
    var deepestRepetition: Int
    /// The type in words, so that another one is seen.
    var type: String

    /// The leaves of a schema, which stands in preorder.
    static func leaves(of elements: [ThriftValue]) throws(Unreadable) -> [ParquetColumn] {
        var (leaves, index): ([ParquetColumn], Int) = ([], 1)
        try read(elements, &index, children: elements.first?[5]?.count ?? 0, [], (0, 0), &leaves)
        guard index == elements.count else { throw Unreadable(reason: "its schema is damaged") }
        return leaves
    }

    private static func read(
        _ elements: [ThriftValue], _ index: inout Int, children: Int, _ path: [String],
        _ levels: (definition: Int, repetition: Int), _ leaves: inout [ParquetColumn]
    ) throws(Unreadable) {
        guard path.count < 60 else { throw Unreadable(reason: "its schema is nested too deeply") }
        for _ in 0..<min(children, elements.count) {
            guard index < elements.count, let name = elements[index][4]?.text else {
                throw Unreadable(reason: "its schema is damaged")
            }
            let element = elements[index]
            index += 1
            let repetition = element[3]?.integer ?? 0
            let below = (
                levels.definition + (repetition == 0 ? 0 : 1), levels.repetition + (repetition == 2 ? 1 : 0)
            )
            if let count = element[5]?.count, count > 0 {
                try read(elements, &index, children: count, path + [name], below, &leaves)
            } else {
                leaves.append(try leaf(element, (path + [name]).joined(separator: "."), below))
            }
        }
    }

    private static func leaf(
        _ element: ThriftValue, _ name: String, _ levels: (definition: Int, repetition: Int)
    ) throws(Unreadable) -> ParquetColumn {
        guard let storage = element[1]?.count.flatMap(Storage.init(rawValue:)) else {
            throw Unreadable(reason: "column \(Tally.clip(name, 40)) has a type that Parquet has not")
        }
        let length = element[2]?.count ?? 0
        guard storage != .fixedBytes || (1...65_536).contains(length) else {
            throw Unreadable(reason: "column \(Tally.clip(name, 40)) has values without a length")
        }
        let meaning = try meaning(element, storage)
        // The logical type as the file writes it: whatever is another one there is another one here.
        var words = "\(storage)" + (storage == .fixedBytes ? "(\(length))" : "")
        if let converted = element[6]?.integer { words += " converted \(converted)" }
        if let logical = element[10] { words += " logical \(describe(logical))" }
        if case .decimal(let scale) = meaning { words += " scale \(scale) precision \(element[8]?.integer ?? 0)" }
        return ParquetColumn(
            name: name, storage: storage, length: length, meaning: meaning, deepestDefinition: levels.definition,
            deepestRepetition: levels.repetition, type: words)
    }

    private static func meaning(_ element: ThriftValue, _ storage: Storage) throws(Unreadable) -> Meaning {
        let (converted, logical) = (element[6]?.integer, element[10])
        if converted == 5 || logical?[5] != nil {
            let scale = (logical?[5]?[1]?.count ?? element[7]?.count) ?? 0
            guard scale <= 76 else { throw Unreadable(reason: "a decimal has a scale beyond 76") }
            return .decimal(scale: scale)
        }
        if logical?[15] != nil && storage == .fixedBytes { return .half }
        if logical?[10]?[2]?.bool == false || (11...14).contains(converted ?? 0) { return .unsigned }
        switch storage {
        case .float, .double: return .number
        case .int32, .int64:
            // INTEGER(…, signed) and its older forms; dates, times and time stamps are none.
            let isPlain = converted == nil && logical == nil
            return isPlain || logical?[10] != nil || (15...18).contains(converted ?? 0) ? .number : .exact
        default: return .exact
        }
    }

    private static func describe(_ value: ThriftValue) -> String {
        switch value {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .fields(let fields):
            fields.sorted { $0.key < $1.key }.map { "\($0.key)(\(describe($0.value)))" }.joined(separator: " ")
        default: "?"
        }
    }
}
