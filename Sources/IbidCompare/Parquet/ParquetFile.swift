/// A Parquet file (apache/parquet-format): its schema, and where the pages of each column lie.
struct ParquetFile {
    /// The pages of one column in one row group.
    struct Chunk {
        var codec: Int
        var count: Int
        var start: Int
        var length: Int
    }

    let bytes: [UInt8]
    let columns: [ParquetColumn]
    /// The chunks of each column, in the order of the row groups.
    let chunks: [[Chunk]]
    let rows: Int64
    /// What the writer noted: `pandas`, `ARROW:schema`, keys of the analysis' own.
    let notes: [(key: String, value: String)]

    /// The most values of one column that are read.
    static let mostValues = 32 << 20

    init(_ bytes: [UInt8]) throws(Unreadable) {
        self.bytes = bytes
        guard bytes.count >= 12, bytes.starts(with: "PAR1".utf8) else { throw Unreadable(reason: "it is no Parquet") }
        guard bytes.suffix(4).elementsEqual("PAR1".utf8) else {
            throw Unreadable(
                reason: bytes.suffix(4).elementsEqual("PARE".utf8) ? "it is encrypted" : "it ends in the middle")
        }
        var tail = ByteReader(bytes[(bytes.count - 8)...])
        guard let length = tail.little(4), length <= UInt64(bytes.count - 12) else {
            throw Unreadable(reason: "its footer is longer than the file")
        }
        var reader = ThriftReader(bytes[(bytes.count - 8 - Int(length))..<(bytes.count - 8)])
        guard let footer = reader.fields(), let schema = footer[2]?.list, let rows = footer[3]?.integer, rows >= 0
        else {
            throw Unreadable(reason: "its footer is damaged")
        }
        self.rows = rows
        let columns = try ParquetColumn.leaves(of: schema)
        self.columns = columns
        var chunks = [[Chunk]](repeating: [], count: columns.count)
        for group in footer[4]?.list ?? [] {
            guard let parts = group[1]?.list, parts.count == columns.count else {
                throw Unreadable(reason: "a row group has not the columns of the schema")
            }
            for (column, part) in parts.enumerated() {
                chunks[column].append(try Self.chunk(part, columns[column], in: bytes.count))
            }
        }
        self.chunks = chunks
        notes = (footer[5]?.list ?? []).map { ($0[1]?.text ?? "", $0[2]?.text ?? "") }
    }

    private static func chunk(
        _ part: ThriftValue, _ column: ParquetColumn, in end: Int
    ) throws(Unreadable) -> Chunk {
        let name = Tally.clip(column.name, 40)
        guard part[1] == nil else { throw Unreadable(reason: "column \(name) lies in another file") }
        guard let facts = part[3], let codec = facts[4]?.count, let count = facts[5]?.count,
            let length = facts[7]?.count, let data = facts[9]?.count, facts[1]?.count == column.storage.rawValue
        else { throw Unreadable(reason: "column \(name) is encrypted, or its metadata are damaged") }
        if count == 0 { return Chunk(codec: codec, count: 0, start: 0, length: 0) }
        // Some writers give 0 for a dictionary that is not there.
        let dictionary = facts[11]?.count ?? 0
        let start = dictionary > 0 ? min(dictionary, data) : data
        guard start < end, length <= end - start else {
            throw Unreadable(reason: "column \(name) lies outside of the file")
        }
        guard count <= mostValues else {
            throw Unreadable(reason: "column \(name) has more than \(mostValues) values in a row group")
        }
        return Chunk(codec: codec, count: count, start: start, length: length)
    }
}
