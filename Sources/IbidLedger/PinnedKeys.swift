public import IbidCrypto
public import IbidMerkle
import IbidModel

/// Keys that a verification measures against, because whoever asks for it got them in another way than the record.
public struct PinnedKeys: Hashable, Sendable {
    /// Keys that may have signed statements; empty to accept those that are enclosed.
    public var attestors: [P256.PublicKey]
    /// Keys that may have signed checkpoints, with the log's name; empty to accept those that are enclosed.
    public var ledgers: [NoteKey]
    /// Checkpoint keys of which no log's name is known.
    public var anonymousLedgers: [Ed25519.PublicKey] = []

    /// Nothing is pinned: the enclosed keys are taken as they are, and the report says so.
    public static let none = PinnedKeys(attestors: [], ledgers: [])

    /// Pins keys.
    public init(attestors: [P256.PublicKey], ledgers: [NoteKey]) {
        self.attestors = attestors
        self.ledgers = ledgers
    }

    /// Reads a file of keys: PEM blocks (P-256 and Ed25519) and verifier keys (`name+hash+base64`), one after another.
    ///
    /// - Throws: `malformed-key` for anything else, and when there is no key at all.
    public init(parsing text: String) throws {
        self = .none
        var block = ""
        for line in text.split(separator: "\n").map({ $0.last == "\r" ? $0.dropLast() : $0 }) {
            if !block.isEmpty || line.hasPrefix("-----BEGIN ") {
                block += line + "\n"
                guard line.hasPrefix("-----END ") else { continue }
                if let key = try? P256.PublicKey(pem: block) {
                    attestors.append(key)
                } else {
                    anonymousLedgers.append(try Ed25519.PublicKey(pem: block))
                }
                block = ""
            } else if !line.isEmpty && !line.hasPrefix("#") {
                ledgers.append(try NoteKey(vkey: String(line)))
            }
        }
        guard block.isEmpty, self != .none else {
            throw IbidError.malformedKey("the file", want: "public keys in PEM or as 'name+hash+base64'")
        }
    }

    /// Whether statements of this key are accepted.
    func accepts(_ key: P256.PublicKey) -> Bool { attestors.isEmpty || attestors.contains(key) }

    /// Whether checkpoints of this key are accepted.
    func accepts(_ key: NoteKey) -> Bool {
        !pinsLedger || ledgers.contains(key) || anonymousLedgers.contains(key.key)
    }

    var pinsLedger: Bool { !ledgers.isEmpty || !anonymousLedgers.isEmpty }
    var pinsAttestor: Bool { !attestors.isEmpty }
}
