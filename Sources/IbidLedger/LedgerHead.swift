import GRDB
import IbidMerkle
import IbidModel

/// The end of the log: its newest checkpoint, and what is needed to append to it.
enum LedgerHead {
    /// The number of entries.
    static func size(_ db: Database) throws -> Int64 {
        try Int64.fetchOne(db.cachedStatement(sql: "SELECT ifnull(max(leaf_index) + 1, 0) FROM entries")) ?? 0
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

    /// The subtrees to append to. They are only a cache, so they are held against the newest checkpoint, and that
    /// against the key that signs the next one: a damaged head is never signed over.
    static func frontier(_ db: Database, key: NoteKey, known: SignedNote?) throws -> CompactRange {
        let size = try size(db)
        guard let note = try note(db, size: nil) else {
            guard size == 0 else { throw LedgerHeadError("it has \(size) entries and no checkpoint") }
            return CompactRange()
        }
        let checkpoint = try Checkpoint(text: note.text)
        guard note == known || note.isSigned(by: key), checkpoint.origin == key.name.text else {
            throw LedgerHeadError("its newest checkpoint is not signed by its key")
        }
        guard checkpoint.size == size else {
            throw LedgerHeadError("it has \(size) entries, its newest checkpoint is over \(checkpoint.size)")
        }
        let row = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT tree_size, hashes FROM frontier WHERE id = 1"))
        if let row, row.integer(0) == size, let range = decode(row.bytes(1) ?? [], size: size),
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
            .execute(arguments: [range.size, Blob.data(bytes)])
    }

    private static func decode(_ bytes: [UInt8], size: Int64) -> CompactRange? {
        let hashes = stride(from: 0, to: bytes.count, by: 32).compactMap { MerkleHash(bytes[$0...].prefix(32)) }
        return CompactRange(size: size, hashes: hashes)
    }
}

/// The head is not one to append to; becomes `ledger-damaged`.
struct LedgerHeadError: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
