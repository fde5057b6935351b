/// A data page of a column, unpacked: its levels, and its values as they are encoded.
struct ParquetPage {
    let count: Int
    private(set) var definitions: [UInt8] = []
    private(set) var repetitions: [UInt8] = []
    private let encoding: Int
    private let data: ByteReader

    /// The largest page: 256 MiB. Writers make pages of about one.
    private static let largest = 256 << 20

    init(
        header: ThriftValue, isSecondVersion: Bool, _ page: ArraySlice<UInt8>, unpackedSize: Int, codec: Int,
        _ column: ParquetColumn
    ) throws(Unreadable) {
        let facts = header[isSecondVersion ? 8 : 5]
        guard let facts, let count = facts[1]?.count, let encoding = facts[isSecondVersion ? 4 : 2]?.count,
            count <= ParquetFile.mostValues
        else { throw Unreadable(reason: "has a damaged page header") }
        (self.count, self.encoding) = (count, encoding)
        let damaged = Unreadable(reason: "has damaged levels")
        if isSecondVersion {
            // The levels stand before the values and are never compressed.
            var reader = ByteReader(page)
            guard let definitionLength = facts[5]?.count, let repetitionLength = facts[6]?.count,
                let repeated = reader.take(repetitionLength), let defined = reader.take(definitionLength),
                repetitionLength + definitionLength <= unpackedSize
            else { throw damaged }
            repetitions = try Self.levels(ByteReader(repeated), deepest: column.deepestRepetition, count)
            definitions = try Self.levels(ByteReader(defined), deepest: column.deepestDefinition, count)
            let rest = page[reader.index...]
            let size = unpackedSize - repetitionLength - definitionLength
            let isPacked = facts[7]?.bool ?? true
            data = ByteReader(isPacked ? try Self.unpacked(rest, size: size, codec: codec) : Array(rest))
            return
        }
        var reader = ByteReader(try Self.unpacked(page, size: unpackedSize, codec: codec))
        func next(_ deepest: Int, _ encoding: ThriftValue?) throws(Unreadable) -> [UInt8] {
            if deepest == 0 { return [] }
            guard encoding?.integer == 3 else { throw Unreadable(reason: "has levels in the old bit-packed form") }
            guard let length = reader.little(4), let bytes = reader.take(Int(length)) else { throw damaged }
            return try Self.levels(ByteReader(bytes), deepest: deepest, count)
        }
        repetitions = try next(column.deepestRepetition, facts[4])
        definitions = try next(column.deepestDefinition, facts[3])
        data = reader
    }

    private static func levels(_ reader: ByteReader, deepest: Int, _ count: Int) throws(Unreadable) -> [UInt8] {
        if deepest == 0 { return [] }
        var reader = reader
        let width = Int.bitWidth - deepest.leadingZeroBitCount
        guard let levels = ParquetEncoding.hybrid(&reader, width: width, count: count),
            levels.allSatisfy({ $0 <= deepest })
        else { throw Unreadable(reason: "has damaged levels") }
        return levels.map { UInt8($0) }
    }

    /// The values that are there.
    func values(
        of column: ParquetColumn, dictionary: ParquetValues.Values?
    ) throws(Unreadable) -> ParquetValues.Values {
        let present = definitions.isEmpty ? count : definitions.count { $0 == column.deepestDefinition }
        if present == 0 { return ParquetValues.Values(column.storage) }
        return try ParquetEncoding(column: column, count: present).values(data, encoding, dictionary: dictionary)
    }

    /// The bytes of a page.
    static func unpacked(_ page: ArraySlice<UInt8>, size: Int, codec: Int) throws(Unreadable) -> [UInt8] {
        guard size <= largest else { throw Unreadable(reason: "has a page larger than \(largest >> 20) MiB") }
        let bytes: [UInt8]?
        switch codec {
        case 0: bytes = Array(page)
        case 1: bytes = Decompressor.snappy(page, size: size)
        case 2: bytes = size == 0 ? [] : Zlib.inflate(page, .gzip, limit: size)
        case 5: bytes = Decompressor.hadoopLZ4(page, size: size)
        case 6: bytes = Decompressor.zstd(page, size: size)
        case 7: bytes = Decompressor.lz4(page, size: size)
        case 3: throw Unreadable(reason: "is compressed with LZO, which Ibid does not unpack")
        case 4: throw Unreadable(reason: "is compressed with Brotli, which Ibid does not unpack")
        default: throw Unreadable(reason: "is compressed in a way that Parquet has not")
        }
        guard let bytes, bytes.count == size else { throw Unreadable(reason: "has a page that does not unpack") }
        return bytes
    }
}
