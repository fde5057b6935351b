import IbidModel

extension P256 {
    // The order of the group, big-endian (SEC 2, secp256r1).
    private static let order =
        Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551") ?? []

    /// The one of the two forms of a signature whose second number is at most half the group's order: (r, s) and
    /// (r, order - s) are valid for the same message, and whoever sees one can write the other.
    ///
    /// - Returns: nil when the bytes are no DER signature as OpenSSL writes it.
    public static func lowered(_ signature: [UInt8]) -> [UInt8]? {
        guard signature.count > 2, signature[0] == 0x30, Int(signature[1]) == signature.count - 2, signature[1] < 0x80,
            let (r, rest) = integer(signature.dropFirst(2)), let (s, end) = integer(rest), end.isEmpty
        else { return nil }
        let other = subtract(s, from: order)
        let low = other.lexicographicallyPrecedes(s) ? other : s
        let numbers = encode(r) + encode(low)
        return [0x30, UInt8(numbers.count)] + numbers
    }

    /// The 32 bytes of a DER integer, and what follows it.
    private static func integer(_ bytes: ArraySlice<UInt8>) -> ([UInt8], ArraySlice<UInt8>)? {
        guard bytes.count > 2, bytes.first == 0x02 else { return nil }
        let count = Int(bytes[bytes.startIndex + 1])
        let content = bytes.dropFirst(2)
        guard count > 0, count <= 33, count <= content.count else { return nil }
        let digits = content.prefix(count).drop { $0 == 0 }
        guard digits.count <= 32, encode(Array(digits)).elementsEqual(bytes.prefix(count + 2)) else { return nil }
        return ([UInt8](repeating: 0, count: 32 - digits.count) + digits, content.dropFirst(count))
    }

    private static func encode(_ number: [UInt8]) -> [UInt8] {
        var digits = Array(number.drop { $0 == 0 })
        if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
        return [0x02, UInt8(digits.count)] + digits
    }

    private static func subtract(_ small: [UInt8], from large: [UInt8]) -> [UInt8] {
        var (result, borrow) = (large, 0)
        for index in large.indices.reversed() {
            let value = Int(large[index]) - Int(small[index]) - borrow
            borrow = value < 0 ? 1 : 0
            result[index] = UInt8(value + 256 * borrow)
        }
        return result
    }
}
