public import IbidCrypto
import IbidModel

/// The key that verifies a note, with the signer's name (C2SP signed-note, "verifier keys"; type 0x01, Ed25519).
public struct NoteKey: Hashable, Sendable {
    /// A signer's name; for a log it is its origin.
    public struct Name: Hashable, Sendable {
        /// The name.
        public let text: String

        /// Checks a name: not empty, without white space, control characters and `+`; nil for anything else.
        public init?(_ text: String) {
            guard !text.isEmpty, text.utf8.count <= 255,
                text.unicodeScalars.allSatisfy({ !$0.properties.isWhitespace && $0.value >= 0x20 && $0 != "+" })
            else { return nil }
            self.text = text
        }
    }

    /// Whose key it is.
    public let name: Name
    /// The key.
    public let key: Ed25519.PublicKey

    /// Names a key.
    public init(name: Name, key: Ed25519.PublicKey) {
        self.name = name
        self.key = key
    }

    /// The four bytes that signature lines carry: the start of SHA-256(name ‖ 0A ‖ 01 ‖ key).
    public var hash: [UInt8] {
        Array(Digest.sha256(of: Array(name.text.utf8) + [0x0a, 0x01] + key.raw).bytes.prefix(4))
    }

    /// The text form, `name+hash+base64`.
    public var vkey: String { "\(name.text)+\(Hex.encode(hash))+\(Base64.encode([1] + key.raw))" }

    /// Reads the text form; a hash that does not belong to name and key is refused.
    ///
    /// - Throws: `malformed-key`.
    public init(vkey: String) throws {
        // The base 64 part may itself hold a `+`; the name may not.
        let parts = vkey.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let name = Name(String(parts[0])), let bytes = Base64.decode(parts[2]),
            bytes.count == 33, bytes[0] == 1
        else { throw IbidError.malformedKey("the verifier key", want: "'name+hash+base64' with an Ed25519 key") }
        self.init(name: name, key: try Ed25519.PublicKey(raw: Array(bytes.dropFirst())))
        guard parts[1] == Hex.encode(hash) else {
            throw IbidError.malformedKey("the verifier key", want: "one whose hash belongs to its name and key")
        }
    }
}
