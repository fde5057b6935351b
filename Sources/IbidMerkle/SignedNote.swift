public import IbidCrypto
public import IbidModel

/// Text with signatures below it (C2SP signed-note v1.0.0).
public struct SignedNote: Hashable, Sendable {
    /// One signature line.
    public struct Signature: Hashable, Sendable {
        /// The signer's name.
        public var name: String
        /// The first four bytes of the key's hash.
        public var keyHash: [UInt8]
        /// What the algorithm made.
        public var bytes: [UInt8]

        /// Makes a signature line from its parts.
        public init(name: String, keyHash: [UInt8], bytes: [UInt8]) {
            self.name = name
            self.keyHash = keyHash
            self.bytes = bytes
        }
    }

    /// What is signed, with its last newline.
    public var text: String
    /// At least one.
    public var signatures: [Signature]

    /// Signs text that ends with a newline.
    public init(text: String, key: Ed25519.PrivateKey, name: NoteKey.Name) throws {
        precondition(text.hasSuffix("\n"), "a note ends with a newline")
        let verifier = NoteKey(name: name, key: key.publicKey)
        self.text = text
        signatures = [
            Signature(name: name.text, keyHash: verifier.hash, bytes: try key.sign(Array(text.utf8)))
        ]
    }

    /// Reads a note.
    ///
    /// - Throws: `malformed-note` for anything that the specification does not allow.
    public init(parsing note: String) throws {
        func malformed(_ why: String) -> IbidError { .malformedNote(why) }
        let bytes = Array(note.utf8)
        guard bytes.count <= 1 << 20 else { throw malformed("it is longer than 1 MiB") }
        guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0a }) else { throw malformed("it holds control characters") }
        guard bytes.last == 0x0a else { throw malformed("it does not end with a newline") }
        // The text ends at the last blank line.
        guard let blank = (1..<bytes.count).last(where: { bytes[$0] == 0x0a && bytes[$0 - 1] == 0x0a }) else {
            throw malformed("it has no signatures")
        }
        text = String(decoding: bytes[..<blank], as: UTF8.self)
        signatures = try bytes[(blank + 1)...].dropLast().split(separator: 0x0a, omittingEmptySubsequences: false).map {
            let words = String(decoding: $0, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, words[0] == "\u{2014}", NoteKey.Name(String(words[1])) != nil,
                let content = Base64.decode(words[2]), content.count > 4
            else { throw malformed("a signature line is not '\u{2014} name base64'") }
            return Signature(
                name: String(words[1]), keyHash: Array(content.prefix(4)), bytes: Array(content.dropFirst(4)))
        }
        guard !signatures.isEmpty, signatures.count <= 100 else { throw malformed("it has no or too many signatures") }
    }

    /// The note as it is written.
    public var description: String {
        text + "\n"
            + signatures.map { "\u{2014} \($0.name) \(Base64.encode($0.keyHash + $0.bytes))\n" }.joined()
    }

    /// Whether a key signed the text: at least one line is the key's, and none of the key's lines is wrong.
    public func isSigned(by key: NoteKey) -> Bool {
        let lines = signatures.filter { $0.name == key.name.text && $0.keyHash == key.hash }
        return !lines.isEmpty && lines.allSatisfy { key.key.isValid($0.bytes, for: Array(text.utf8)) }
    }
}

extension IbidError {
    /// Text that should be a signed note is none.
    public static func malformedNote(_ why: String) -> IbidError {
        IbidError("malformed-note", "this is no signed note: \(why)", exit: .verificationFailed)
    }
}
