/// The values of a column that are there, one after another, and the levels that say where in its rows they lie.
struct ParquetValues {
    /// Values of one kind.
    enum Values {
        case numbers([Double])
        case integers([Int64])
        case bytes([ArraySlice<UInt8>])

        /// None yet, of the kind that a storage has.
        init(_ storage: ParquetColumn.Storage) {
            switch storage {
            case .boolean, .int32, .int64: self = .integers([])
            case .float, .double: self = .numbers([])
            case .int96, .bytes, .fixedBytes: self = .bytes([])
            }
        }

        var count: Int {
            switch self {
            case .numbers(let values): values.count
            case .integers(let values): values.count
            case .bytes(let values): values.count
            }
        }

        /// Adds values of the same kind.
        mutating func append(_ other: Values) {
            switch (self, other) {
            case (.numbers(var values), .numbers(let more)):
                self = .numbers([])  // so that there is one owner, and no copy
                values += more
                self = .numbers(values)
            case (.integers(var values), .integers(let more)):
                self = .integers([])
                values += more
                self = .integers(values)
            case (.bytes(var values), .bytes(let more)):
                self = .bytes([])
                values += more
                self = .bytes(values)
            default: preconditionFailure("a column has values of one kind")
            }
        }

        /// The values at some places; nil when one is outside.
        func at(_ places: [UInt32]) -> Values? {
            guard places.allSatisfy({ $0 < count }) else { return nil }
            switch self {
            case .numbers(let values): return .numbers(places.map { values[Int($0)] })
            case .integers(let values): return .integers(places.map { values[Int($0)] })
            case .bytes(let values): return .bytes(places.map { values[Int($0)] })
            }
        }
    }

    var values: Values
    /// How deep each entry is defined; empty when nothing can be missing.
    var definitions: [UInt8] = []
    /// Where each entry goes on with an earlier one; empty when nothing repeats.
    var repetitions: [UInt8] = []
    /// Entries: values and missing ones.
    var count = 0
}

/// What may still be unpacked of one file: a small one can announce more than any machine has.
struct ParquetBudget {
    var bytes = 2 << 30
    var entries = 128 << 20
}

extension ParquetFile {
    /// Reads a column from beginning to end.
    func values(of index: Int, _ budget: inout ParquetBudget) throws(Unreadable) -> ParquetValues {
        let column = columns[index]
        var found = ParquetValues(values: ParquetValues.Values(column.storage))
        for chunk in chunks[index] {
            do throws(Unreadable) {
                try read(chunk, of: column, into: &found, &budget)
            } catch {
                throw Unreadable(reason: "column \(Tally.clip(column.name, 40)) \(error.reason)")
            }
        }
        return found
    }

    private func read(
        _ chunk: Chunk, of column: ParquetColumn, into found: inout ParquetValues, _ budget: inout ParquetBudget
    ) throws(Unreadable) {
        budget.entries -= chunk.count
        guard found.count + chunk.count <= Self.mostValues, budget.entries >= 0 else {
            throw Unreadable(reason: "has more values than are read")
        }
        let end = found.count + chunk.count
        var rest = bytes[chunk.start..<chunk.start + chunk.length]
        var dictionary: ParquetValues.Values?
        while found.count < end {
            var reader = ThriftReader(rest)
            guard let header = reader.fields(), let type = header[1]?.count, let size = header[2]?.count,
                let packed = header[3]?.count
            else { throw Unreadable(reason: "has a damaged page") }
            var body = reader.reader
            guard let page = body.take(packed) else { throw Unreadable(reason: "ends in the middle of a page") }
            rest = body.bytes[body.index...]
            budget.bytes -= size
            guard budget.bytes >= 0 else { throw Unreadable(reason: "unpacks to more than is read") }
            switch type {
            case 0, 3:
                let parts = try ParquetPage(
                    header: header, isSecondVersion: type == 3, page, unpackedSize: size, codec: chunk.codec, column)
                guard parts.count > 0, parts.count <= end - found.count else {
                    throw Unreadable(reason: "has a page with more values than its chunk, or with none")
                }
                found.values.append(try parts.values(of: column, dictionary: dictionary))
                found.definitions += parts.definitions
                found.repetitions += parts.repetitions
                found.count += parts.count
            case 2:
                guard let count = header[7]?[1]?.count, count <= Self.mostValues else {
                    throw Unreadable(reason: "has a damaged dictionary")
                }
                let data = try ParquetPage.unpacked(page, size: size, codec: chunk.codec)
                dictionary = try ParquetEncoding(column: column, count: count).plain(ByteReader(data))
            default: continue  // an index
            }
        }
    }
}
