public import IbidMerkle
import IbidModel

extension Ledger {
    /// The proof that an entry is in the tree of the newest checkpoint.
    ///
    /// - Throws: `entry-not-found`; `ledger-damaged` when the tree does not lead to the signed root.
    public func inclusionProof(of leafIndex: Int64) throws -> TLogProof {
        try proving { db in
            let (note, checkpoint) = try Self.head(db)
            guard (0..<checkpoint.size).contains(leafIndex) else {
                throw IbidError.entryNotFound(leafIndex, size: checkpoint.size)
            }
            return try Self.proof(of: leafIndex, note, checkpoint, db)
        }
    }

    /// The proof that the newest checkpoint's tree has the tree of an older checkpoint as a prefix.
    ///
    /// - Throws: `ledger-damaged` when it has not, `ledger-rolled-back` when the checkpoint is over more entries,
    ///   `malformed-checkpoint`.
    public func consistencyProof(since old: SignedNote) throws -> ConsistencyProof {
        try proving { db in
            let (old, (_, checkpoint)) = (try Checkpoint(text: old.text), try Self.head(db))
            guard old.size <= checkpoint.size else {
                throw IbidError.ledgerRolledBack(path, size: checkpoint.size, released: old.size, where: "given")
            }
            let proof = try NodeCache.tree(db, size: checkpoint.size).consistencyProof(from: old.size)
            guard proof.isValid(oldRoot: old.root, newRoot: checkpoint.root) else {
                throw LedgerHeadError("its first \(old.size) entries are not those of the older checkpoint")
            }
            return proof
        }
    }

    /// The proof that the newest checkpoint's tree continues the tree of its first entries.
    ///
    /// - Throws: `ledger-rolled-back` when there are fewer entries than that.
    public func consistencyProof(from oldSize: Int64) throws -> ConsistencyProof {
        try proving { db in
            let (_, checkpoint) = try Self.head(db)
            guard (0...checkpoint.size).contains(oldSize) else {
                throw IbidError.ledgerRolledBack(path, size: checkpoint.size, released: oldSize, where: "given")
            }
            return try NodeCache.tree(db, size: checkpoint.size).consistencyProof(from: oldSize)
        }
    }

    /// Where an entry stands: its index, and the tree as it was when the entry was the last.
    ///
    /// - Throws: `entry-not-found`; `ledger-damaged` when hashes are missing.
    public func position(of leafIndex: Int64) throws -> LedgerPosition {
        try proving { db in
            let size = try LedgerHead.size(db)
            guard (0..<size).contains(leafIndex) else { throw IbidError.entryNotFound(leafIndex, size: size) }
            let root = try NodeCache.tree(db, size: leafIndex + 1).root(of: leafIndex + 1)
            return LedgerPosition(leafIndex: leafIndex, treeSize: leafIndex + 1, rootHash: root.digest)
        }
    }

    static func head(_ db: Database) throws -> (SignedNote, Checkpoint) {
        guard let note = try LedgerHead.note(db, size: nil) else { throw IbidError.entryNotFound(0, size: 0) }
        return (note, try Checkpoint(text: note.text))
    }

    static func proof(
        of leafIndex: Int64, _ note: SignedNote, _ checkpoint: Checkpoint, _ db: Database
    ) throws -> TLogProof {
        let leaf = try entry(leafIndex, db).leaf
        let proof = try NodeCache.tree(db, size: checkpoint.size).inclusionProof(of: leafIndex)
        guard proof.isValid(leafHash: .leaf(leaf), root: checkpoint.root) else {
            throw LedgerHeadError("entry \(leafIndex) does not lead to the root of its newest checkpoint")
        }
        return TLogProof(leafIndex: leafIndex, path: proof.path, note: note)
    }

    func proving<T>(_ body: (Database) throws -> T) throws -> T {
        do { return try read(body) } catch let error as LedgerHeadError {
            throw IbidError.ledgerDamaged(path, error.reason)
        }
    }
}
