/// Reads numbers and runs of bytes in order; nil past the end, whatever a length field claims.
struct ByteReader {
    let bytes: ArraySlice<UInt8>
    private(set) var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// From the beginning of the bytes.
    var offset: Int { index - bytes.startIndex }
    var left: Int { bytes.endIndex - index }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= left else { return nil }
        defer { index += count }
        return bytes[index..<index + count]
    }

    mutating func skip(_ count: Int) -> Bool { take(count) != nil }

    mutating func byte() -> UInt8? { take(1)?.first }

    /// An unsigned number of some bytes, the least significant first.
    mutating func little(_ count: Int) -> UInt64? {
        take(count).map { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }

    /// An unsigned number of some bytes, the most significant first.
    mutating func big(_ count: Int) -> UInt64? { take(count).map { $0.reduce(0) { $0 << 8 | UInt64($1) } } }

    /// Up to and without a byte, which is passed over.
    mutating func upTo(_ end: UInt8) -> ArraySlice<UInt8>? {
        guard let place = bytes[index...].firstIndex(of: end) else { return nil }
        defer { index = place + 1 }
        return bytes[index..<place]
    }
}
