/// A value of Thrift's compact protocol, in which Parquet writes its metadata.
enum ThriftValue {
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case bytes(ArraySlice<UInt8>)
    case list([ThriftValue])
    /// The fields of a struct by their ids.
    case fields([Int: ThriftValue])

    subscript(id: Int) -> ThriftValue? { if case .fields(let fields) = self { fields[id] } else { nil } }
    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    /// An integer that is a size or a count.
    var count: Int? { integer.flatMap { $0 < 0 ? nil : Int($0) } }
    var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    var list: [ThriftValue]? { if case .list(let items) = self { items } else { nil } }
    var text: String? { if case .bytes(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil } }
}

/// Reads one struct (thrift/doc/specs/thrift-compact-protocol.md); nil for what is none.
struct ThriftReader {
    private(set) var reader: ByteReader

    private static let deepest = 24

    init(_ bytes: ArraySlice<UInt8>) { reader = ByteReader(bytes) }

    mutating func fields(depth: Int = 0) -> ThriftValue? {
        guard depth < Self.deepest else { return nil }
        var (fields, id): ([Int: ThriftValue], Int) = ([:], 0)
        while let head = reader.byte() {
            if head == 0 { return .fields(fields) }
            if head >> 4 == 0 {
                guard let next = signed(), let small = Int16(exactly: next) else { return nil }
                id = Int(small)
            } else {
                id += Int(head >> 4)
            }
            guard let value = value(head & 15, inList: false, depth: depth) else { return nil }
            fields[id] = value
        }
        return nil
    }

    private mutating func value(_ type: UInt8, inList: Bool, depth: Int) -> ThriftValue? {
        switch type {
        // In a list a boolean is a byte of its own; elsewhere its type says it.
        case 1, 2: return inList ? reader.byte().map { .bool($0 == 1) } : .bool(type == 1)
        case 3: return reader.byte().map { .integer(Int64(Int8(bitPattern: $0))) }
        case 4, 5, 6: return signed().map { .integer($0) }
        case 7: return reader.little(8).map { .double(Double(bitPattern: $0)) }
        case 8: return reader.variable().flatMap { reader.take(Int(clamping: $0)) }.map { .bytes($0) }
        case 9, 10: return list(depth: depth + 1)
        case 12: return fields(depth: depth + 1)
        default: return nil  // maps: Parquet has none
        }
    }

    private mutating func list(depth: Int) -> ThriftValue? {
        guard depth < Self.deepest, let head = reader.byte() else { return nil }
        var count = UInt64(head >> 4)
        if count == 15 {
            guard let long = reader.variable() else { return nil }
            count = long
        }
        // Each element takes a byte at least.
        guard count <= reader.left else { return nil }
        var items: [ThriftValue] = []
        for _ in 0..<count {
            guard let item = value(head & 15, inList: true, depth: depth) else { return nil }
            items.append(item)
        }
        return .list(items)
    }

    private mutating func signed() -> Int64? { reader.variable().map(ByteReader.zigzag) }
}

extension ByteReader {
    /// A number of seven bits a byte, the least significant first (LEB128).
    mutating func variable() -> UInt64? {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while shift < 64, let byte = byte() {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    /// The signed number that was folded so that small ones stay small.
    static func zigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
}
