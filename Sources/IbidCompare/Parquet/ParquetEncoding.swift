/// Reads the values of a page (apache/parquet-format, Encodings.md).
struct ParquetEncoding {
    let column: ParquetColumn
    /// How many values the page has.
    let count: Int

    typealias Values = ParquetValues.Values
    private static let damaged = Unreadable(reason: "has damaged values")

    func values(_ data: ByteReader, _ encoding: Int, dictionary: Values?) throws(Unreadable) -> Values {
        var reader = data
        switch (encoding, column.storage) {
        case (0, _): return try plain(reader)
        case (2, _), (8, _):
            guard let dictionary, let width = reader.byte(),
                let places = Self.hybrid(&reader, width: Int(width), count: count), let values = dictionary.at(places)
            else { throw Self.damaged }
            return values
        case (3, .boolean):
            guard reader.skip(4), let bits = Self.hybrid(&reader, width: 1, count: count) else { throw Self.damaged }
            return .integers(bits.map { Int64($0) })
        case (5, .int32), (5, .int64):
            guard let values = Self.deltas(&reader, count: count) else { throw Self.damaged }
            return .integers(column.storage == .int64 ? values : values.map { Int64(Int32(truncatingIfNeeded: $0)) })
        case (6, .bytes): return .bytes(try strings(&reader))
        case (7, .bytes), (7, .fixedBytes): return .bytes(try frontCoded(&reader))
        case (9, .float), (9, .double), (9, .int32), (9, .int64), (9, .fixedBytes): return try split(&reader)
        default: throw Unreadable(reason: "has values in encoding \(encoding), which Ibid does not read")
        }
    }

    /// One value behind another.
    func plain(_ data: ByteReader) throws(Unreadable) -> Values {
        var reader = data
        func fixed(_ size: Int) throws(Unreadable) -> ArraySlice<UInt8> {
            // Counts and lengths are bounded: their product is no overflow.
            guard let bytes = reader.take(count * size) else { throw Self.damaged }
            return bytes
        }
        switch column.storage {
        case .boolean:
            guard let bits = Self.packed(&reader, width: 1, count: count) else { throw Self.damaged }
            return .integers(bits.map { Int64($0) })
        case .int32: return .integers(Self.words(try fixed(4), Int32.self).map { Int64($0) })
        case .int64: return .integers(Self.words(try fixed(8), Int64.self))
        case .float: return .numbers(Self.words(try fixed(4), UInt32.self).map { Double(Float(bitPattern: $0)) })
        case .double: return .numbers(Self.words(try fixed(8), UInt64.self).map { Double(bitPattern: $0) })
        case .int96: return .bytes(Self.pieces(try fixed(12), 12))
        case .fixedBytes: return .bytes(Self.pieces(try fixed(column.length), column.length))
        case .bytes:
            var values: [ArraySlice<UInt8>] = []
            for _ in 0..<count {
                guard let length = reader.little(4), let value = reader.take(Int(length)) else { throw Self.damaged }
                values.append(value)
            }
            return .bytes(values)
        }
    }

    private static func words<Word: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, _: Word.Type) -> [Word] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / MemoryLayout<Word>.size).map {
                Word(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Word>.size, as: Word.self))
            }
        }
    }

    private static func pieces(_ bytes: ArraySlice<UInt8>, _ size: Int) -> [ArraySlice<UInt8>] {
        stride(from: bytes.startIndex, to: bytes.endIndex, by: size).map { bytes[$0..<$0 + size] }
    }

    // The lengths of all, then their bytes.
    private func strings(_ reader: inout ByteReader) throws(Unreadable) -> [ArraySlice<UInt8>] {
        guard let lengths = Self.deltas(&reader, count: count) else { throw Self.damaged }
        var values: [ArraySlice<UInt8>] = []
        for length in lengths {
            guard let value = reader.take(Int(length)) else { throw Self.damaged }
            values.append(value)
        }
        return values
    }

    // Each begins with so many bytes of the one before.
    private func frontCoded(_ reader: inout ByteReader) throws(Unreadable) -> [ArraySlice<UInt8>] {
        guard let prefixes = Self.deltas(&reader, count: count) else { throw Self.damaged }
        let suffixes = try strings(&reader)
        var (values, left): ([ArraySlice<UInt8>], Int) = ([], 512 << 20)
        var last: ArraySlice<UInt8> = []
        for (prefix, suffix) in zip(prefixes, suffixes) {
            guard prefix >= 0, prefix <= last.count else { throw Self.damaged }
            left -= Int(prefix)
            guard left >= 0 else { throw Unreadable(reason: "unpacks to more than is read") }
            last = prefix == 0 ? suffix : last.prefix(Int(prefix)) + suffix
            values.append(last)
        }
        return values
    }

    // All first bytes, then all second bytes, …
    private func split(_ reader: inout ByteReader) throws(Unreadable) -> Values {
        let size =
            switch column.storage {
            case .fixedBytes: column.length
            case .float, .int32: 4
            default: 8
            }
        guard let bytes = reader.take(count * size) else { throw Self.damaged }
        var joined = [UInt8](repeating: 0, count: bytes.count)
        for place in 0..<size {
            let start = bytes.startIndex + place * count
            for index in 0..<count { joined[index * size + place] = bytes[start + index] }
        }
        return try plain(ByteReader(joined))
    }
}
