/// The name of one run: a ULID (48 bits of milliseconds, 80 random bits, Crockford base 32, 26 characters, lower case).
///
/// Ids sort by the time they were made, are unique without a central counter, and are safe in file names.
public struct RunID: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    /// The 26 characters.
    public let text: String

    /// The 26 characters.
    public var description: String { text }

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// Reads a full id; nil for a prefix or anything else.
    public init?(_ text: String) {
        guard text.utf8.count == 26, text.utf8.allSatisfy({ Self.alphabet.contains($0) }) else { return nil }
        self.text = text
    }

    /// Makes the id for a moment and 80 random bits, both given by the caller.
    ///
    /// - Parameters:
    ///   - milliseconds: milliseconds since 1970, below 2^48.
    ///   - random: 80 random bits in the low part.
    public init(milliseconds: UInt64, random: UInt128) {
        var value = UInt128(milliseconds & 0xffff_ffff_ffff) << 80 | (random & ((1 << 80) - 1))
        var characters: [UInt8] = []
        for _ in 0..<26 {
            characters.append(Self.alphabet[Int(value & 31)])
            value >>= 5
        }
        text = String(decoding: characters.reversed(), as: UTF8.self)
    }

    /// Whether text could be the start of an id.
    public static func isPrefix(_ text: String) -> Bool {
        (1...26).contains(text.utf8.count) && text.utf8.allSatisfy { alphabet.contains($0) }
    }

    /// Orders by time of creation.
    public static func < (left: RunID, right: RunID) -> Bool { left.text < right.text }

    /// Decodes a full id, refusing anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = RunID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a run id")
        }
        self = id
    }

    /// Encodes the 26 characters.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
