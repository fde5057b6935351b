/// The id of a git object: 40 lower-case hexadecimal digits (SHA-1 repositories).
public struct GitObjectID: Hashable, Sendable, CustomStringConvertible, Codable {
    /// The 40 hexadecimal digits.
    public let hex: String

    /// The 40 hexadecimal digits.
    public var description: String { hex }

    /// Reads a full object id; nil for an abbreviation or anything else.
    public init?(_ text: String) {
        guard Hex.isLowercase(text, count: 40) else { return nil }
        hex = text
    }

    /// Decodes a full object id, refusing anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = GitObjectID(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not a git object id")
        }
        self = id
    }

    /// Encodes the 40 digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
