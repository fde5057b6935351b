/// A SHA-256 content digest in the form OCI writes it: `sha256:` and 64 lower-case hexadecimal digits.
///
/// Validated once, where text enters the program; every later use can rely on the form (image-spec, descriptor.md).
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    /// The 64 hexadecimal digits, lower case, without the algorithm.
    public let hex: String

    /// The digest in OCI form, `sha256:<hex>`.
    public var description: String { "sha256:" + hex }

    /// Reads `sha256:<64 lower-case hex digits>`; nil for anything else, other algorithms included.
    public init?(_ text: String) {
        guard text.hasPrefix("sha256:") else { return nil }
        self.init(hex: String(text.dropFirst(7)))
    }

    /// Reads 64 lower-case hexadecimal digits; nil for anything else.
    public init?(hex: String) {
        guard Hex.isLowercase(hex, count: 64) else { return nil }
        self.hex = hex
    }

    /// Wraps the 32 bytes that a SHA-256 computation gave.
    public init(bytes: [UInt8]) {
        precondition(bytes.count == 32, "a SHA-256 digest has 32 bytes")
        hex = Hex.encode(bytes)
    }

    /// The 32 raw bytes.
    public var bytes: [UInt8] { Hex.decode(hex) ?? [] }

    /// Orders by hexadecimal text, which is the order of the bytes.
    public static func < (left: Digest, right: Digest) -> Bool { left.hex < right.hex }

    /// Decodes the OCI form, refusing anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not a sha256 digest")
        }
        self = digest
    }

    /// Encodes the OCI form.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
