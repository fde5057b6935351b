import IbidCrypto
public import IbidMerkle
public import IbidModel
import SystemPackage

/// A run's record, and what shows that the log only grew since the run was entered.
public struct LedgerEvidence: Sendable {
    /// The entries and their proofs.
    public var record: AuditRecord
    /// The checkpoint that was released with the run's outcome, or with its last entry when it has none.
    public var former: SignedNote
    /// The proof that the record's checkpoint continues the former one.
    public var consistency: ConsistencyProof
    /// What others said of the log once the run was in it, the first word of each kind, and the proofs that the record's
    /// checkpoint continues those that they saw.
    public var outside: [(word: OutsideWord, consistency: ConsistencyProof)]
}

extension Ledger {
    /// Everything that the log can show of a run, as of one moment.
    ///
    /// - Throws: `run-not-found`, `ledger-damaged`.
    public func evidence(for run: RunID, documents: [Digest: [UInt8]]) throws -> LedgerEvidence {
        try proving { db in
            let record = try Self.record(for: run, documents: documents, db)
            let last = record.entries.last { $0.role == .outcome } ?? record.entries.last
            let row = try Row.fetchOne(
                db, sql: "SELECT note FROM checkpoints WHERE tree_size > ? ORDER BY tree_size LIMIT 1",
                arguments: [last?.leafIndex ?? 0])
            guard let former = try row?.text(0).map({ try SignedNote(parsing: $0) }) else {
                throw LedgerHeadError("no checkpoint is over the entries of run \(run)")
            }
            let new = try Checkpoint(text: record.checkpoint.text)
            func growth(from former: SignedNote) throws -> ConsistencyProof {
                let old = try Checkpoint(text: former.text)
                guard old.size <= new.size else {
                    throw LedgerHeadError("a checkpoint over \(old.size) entries was given away; it has \(new.size)")
                }
                let proof = try NodeCache.tree(db, size: new.size).consistencyProof(from: old.size)
                guard proof.isValid(oldRoot: old.root, newRoot: new.root) else {
                    throw LedgerHeadError("its first \(old.size) entries are not those of their checkpoint")
                }
                return proof
            }
            let words = try outsideWords(after: last?.leafIndex ?? 0, by: record.ledgerKey)
            return LedgerEvidence(
                record: record, former: former, consistency: try growth(from: former),
                outside: try words.map { ($0, try growth(from: $0.note)) })
        }
    }

    private func outsideWords(after index: Int64, by key: NoteKey) throws -> [OutsideWord] {
        guard let keysDirectory else { return [] }
        let words = try Anchors(keys: keysDirectory).words(after: index, by: key)
        return OutsideWord.Kind.allCases.compactMap { kind in words.first { $0.kind == kind } }
    }

    /// Signs bytes with the key of the statements; nothing is entered.
    ///
    /// - Throws: `key-lost`, `key-mismatch`.
    public func sign(_ bytes: [UInt8]) throws -> [UInt8] {
        guard let keysDirectory else { throw IbidError.system("sign with", path.string, "it was opened for reading") }
        return try signer(keysDirectory).keys.attestor.sign(bytes)
    }
}
