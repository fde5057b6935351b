import IbidCrypto
public import IbidMerkle
public import IbidModel
import SystemPackage

extension Ledger {
    /// Appends entries of another log, signed by the same attestor, as they are: each keeps its statement and signature
    /// and gets another place.
    ///
    /// - Throws: as `append(_:)`; `key-mismatch` when an envelope is another attestor's.
    public func append(envelopes: [Envelope]) throws {
        guard let keysDirectory else { throw IbidError.system("append to", path.string, "it was opened for reading") }
        let key = try signer(keysDirectory).keys.attestor.publicKey
        guard envelopes.allSatisfy({ $0.isSigned(by: key) }) else { throw IbidError.keyMismatch(keysDirectory) }
        try append(signed: envelopes, outside: [])
    }

    /// The envelopes from one index up to another.
    public func envelopes(from first: Int64, count: Int64) throws -> [Envelope] {
        try read { db in
            try (first..<min(first + count, LedgerHead.size(db))).map { try Self.entry($0, db).envelope }
        }
    }

    /// The statement with which a restored ledger begins: what it continues, under a name of its own.
    public static func renewal(of old: Checkpoint, released: Int64, at time: Timestamp) -> Statement {
        Statement(
            subjects: [.init(name: "checkpoint", digest: .sha256(of: old.text))],
            predicateType: BuildType.renewal,
            predicate: [
                "log": .string(old.origin), "size": .int(old.size), "root": .string(old.root.digest.description),
                "released": .int(released), "at": .string(time.description),
            ])
    }
}
