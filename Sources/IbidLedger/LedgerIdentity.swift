import IbidCrypto
import IbidMerkle
import IbidModel

/// Which log a file is, and whose keys speak for it; written once.
struct LedgerIdentity: Hashable, Sendable {
    let ledgerKey: NoteKey
    let attestorKey: P256.PublicKey

    var origin: String { ledgerKey.name.text }

    /// A new log: its name is random, so that no two logs ever share one.
    init(new keys: LedgerKeys) throws {
        let origin = "ibid.local/ledger/" + Hex.encode(SecureRandom.bytes(16))
        guard let name = NoteKey.Name(origin) else { preconditionFailure("hexadecimal digits are a name") }
        ledgerKey = NoteKey(name: name, key: keys.ledger.publicKey)
        attestorKey = keys.attestor.publicKey
    }

    /// Reads the one row.
    ///
    /// - Throws: `malformed-key` when it is missing or damaged.
    init(_ db: Database) throws {
        let row = try Row.fetchOne(db, sql: "SELECT origin, ledger_key, attestor_key FROM identity WHERE id = 1")
        guard let row, let origin = row.text(0), let vkey = row.text(1), let pem = row.text(2) else {
            throw IbidError.malformedKey("the ledger's identity", want: "there")
        }
        ledgerKey = try NoteKey(vkey: vkey)
        attestorKey = try P256.PublicKey(pem: pem)
        guard ledgerKey.name.text == origin else {
            throw IbidError.malformedKey("the ledger's verifier key", want: "named like its origin")
        }
    }

    func insert(_ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO identity VALUES (1, ?, ?, ?)",
            arguments: [origin, ledgerKey.vkey, attestorKey.pem])
    }
}
