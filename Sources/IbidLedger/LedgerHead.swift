import IbidMerkle
import IbidModel

/// The end of the log: its newest checkpoint, and what is needed to append to it.
enum LedgerHead {
    /// The number of entries.
    static func size(_ db: Database) throws -> Int64 {
        try Row.fetchOne(db.cachedStatement(sql: "SELECT ifnull(max(leaf_index) + 1, 0) FROM entries"))?.integer(0) ?? 0
    }

    /// The signed checkpoint over so many entries, or the newest.
    static func note(_ db: Database, size: Int64?) throws -> SignedNote? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT note FROM checkpoints WHERE ?1 IS NULL OR tree_size = ?1 ORDER BY tree_size DESC LIMIT 1
                    """), arguments: [size])
        return try row?.text(0).map { try SignedNote(parsing: $0) }
    }

    // What a note says, when the ledger's key has signed it.
    private static func checkpoint(_ text: String, key: NoteKey, known: KnownCheckpoint?) throws -> Checkpoint {
        if let known, known.text == text { return known.checkpoint }
        let note = try SignedNote(parsing: text)
        let checkpoint = try Checkpoint(text: note.text)
        guard note.isSigned(by: key), checkpoint.origin == key.name.text else {
            throw LedgerHeadError("its newest checkpoint is not signed by its key")
        }
        return checkpoint
    }

    /// The subtrees to append to. They are only a cache, so they are held against the newest checkpoint, and that
    /// against the key that signs the next one: a damaged head is never signed over.
    static func frontier(_ db: Database, key: NoteKey, known: KnownCheckpoint?) throws -> CompactRange {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT (SELECT max(leaf_index) + 1 FROM entries),
                        (SELECT note FROM checkpoints ORDER BY tree_size DESC LIMIT 1),
                        (SELECT tree_size FROM frontier WHERE id = 1), (SELECT hashes FROM frontier WHERE id = 1)
                    """))
        let size = row?.integer(0) ?? 0
        guard let text = row?.text(1) else {
            guard size == 0 else { throw LedgerHeadError("it has \(size) entries and no checkpoint") }
            return CompactRange()
        }
        let checkpoint = try checkpoint(text, key: key, known: known)
        guard checkpoint.size == size else {
            throw LedgerHeadError("it has \(size) entries, its newest checkpoint is over \(checkpoint.size)")
        }
        if let row, row.integer(2) == size, let range = decode(row.bytes(3) ?? [], size: size),
            range.root == checkpoint.root
        {
            return range
        }
        throw LedgerHeadError("its tree does not lead to its newest checkpoint")
    }

    /// Replaces the cached subtrees.
    static func store(_ range: CompactRange, in db: Database) throws {
        let bytes = range.hashes.flatMap(\.bytes)
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO frontier VALUES (1, ?, ?)")
            .execute(arguments: [range.size, bytes])
    }

    private static func decode(_ bytes: [UInt8], size: Int64) -> CompactRange? {
        let hashes = stride(from: 0, to: bytes.count, by: 32).compactMap { MerkleHash(bytes[$0...].prefix(32)) }
        return CompactRange(size: size, hashes: hashes)
    }
}

/// A checkpoint that this process has signed, with the text of its note: where that is found again, nothing of it has to
/// be read or verified.
struct KnownCheckpoint: Sendable {
    let text: String
    let checkpoint: Checkpoint
}

/// The head is not one to append to; becomes `ledger-damaged`.
struct LedgerHeadError: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
