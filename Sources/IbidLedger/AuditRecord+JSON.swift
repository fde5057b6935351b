import IbidCrypto
import IbidMerkle
public import IbidModel

extension AuditRecord {
    /// The document: RFC 8785 bytes and a newline. One content has one sequence of bytes.
    public var encoded: [UInt8] { CanonicalJSON.bytes(json) + [0x0a] }

    /// The document as JSON.
    public var json: JSONValue {
        [
            "mediaType": .string(Self.mediaType),
            "run": .string(run.text),
            "entries": .array(entries.map(\.json)),
            "checkpoint": .string(checkpoint.description),
            "keys": [
                "attestor": .string(attestorKey.pem),
                "ledger": .string(ledgerKey.key.pem),
                "ledgerVerifier": .string(ledgerKey.vkey),
            ],
            "documents": .object(
                Dictionary(
                    documents.map { ($0.key.description, .string(Base64.encode($0.value))) }, uniquingKeysWith: { $1 })),
        ]
    }

    /// Reads a document. Nothing is believed yet: `verify` checks it.
    ///
    /// - Throws: `malformed-record`, `malformed-key`, `malformed-note` for anything that `encoded` would not give, a
    ///   changed order of members or white space included.
    public init(decoding bytes: [UInt8]) throws {
        let json: JSONValue
        do { json = try CanonicalJSON.parse(bytes) } catch { throw IbidError.malformedRecord("it is not JSON") }
        guard json["mediaType"]?.string == Self.mediaType else {
            throw IbidError.malformedRecord("its mediaType is not '\(Self.mediaType)'")
        }
        try self.init(json)
        // Says at once that no member is unknown, doubled, or written in another way than a second reader might read.
        guard encoded == bytes else {
            throw IbidError.malformedRecord("it is not in its canonical form; was it changed or reformatted?")
        }
    }

    private init(_ json: JSONValue) throws {
        func need<T>(_ value: T?, _ what: String) throws -> T {
            guard let value else { throw IbidError.malformedRecord("\(what) is missing or malformed") }
            return value
        }
        var documents: [Digest: [UInt8]] = [:]
        for (name, text) in try need(json["documents"]?.object, "documents") {
            let digest = try need(Digest(name), "the name of document '\(name)'")
            documents[digest] = try need(text.string.flatMap { Base64.decode($0) }, "document '\(name)'")
        }
        let ledgerKey = try NoteKey(vkey: try need(json["keys"]?["ledgerVerifier"]?.string, "keys.ledgerVerifier"))
        let pem = try need(json["keys"]?["ledger"]?.string, "keys.ledger")
        guard try Ed25519.PublicKey(pem: pem) == ledgerKey.key else {
            throw IbidError.malformedRecord("keys.ledger and keys.ledgerVerifier are not the same key")
        }
        self.init(
            run: try need(json["run"]?.string.flatMap { RunID($0) }, "run"),
            entries: try need(json["entries"]?.array, "entries").enumerated().map { position, entry in
                try need(Entry(entry), "entries[\(position)]")
            },
            checkpoint: try SignedNote(parsing: try need(json["checkpoint"]?.string, "checkpoint")),
            attestorKey: try P256.PublicKey(pem: try need(json["keys"]?["attestor"]?.string, "keys.attestor")),
            ledgerKey: ledgerKey, documents: documents)
    }
}

extension AuditRecord.Entry {
    fileprivate var json: JSONValue {
        [
            "role": .string(role.rawValue),
            "leafIndex": .int(leafIndex),
            "leaf": .string(Base64.encode(leaf)),
            "inclusionPath": .array(path.map { .string($0.base64) }),
            "envelope": envelope.json,
        ]
    }

    fileprivate init?(_ json: JSONValue) {
        guard let role = json["role"]?.string.flatMap({ AuditRecord.Role(rawValue: $0) }),
            let index = json["leafIndex"]?.int, (0...CanonicalJSON.largestInteger).contains(index),
            let leaf = json["leaf"]?.string.flatMap({ Base64.decode($0) }),
            let hashes = json["inclusionPath"]?.array, hashes.count <= 63,
            let envelope = json["envelope"].flatMap({ Envelope(json: $0) })
        else { return nil }
        let path = hashes.compactMap { $0.string.flatMap { MerkleHash(base64: $0) } }
        guard path.count == hashes.count else { return nil }
        self.init(role: role, leafIndex: index, leaf: leaf, path: path, envelope: envelope)
    }
}

extension IbidError {
    /// A file is no audit record.
    public static func malformedRecord(_ why: String) -> IbidError {
        IbidError("malformed-record", "this is no audit record: \(why)", exit: .verificationFailed)
    }
}
