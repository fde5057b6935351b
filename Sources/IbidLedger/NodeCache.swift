import IbidMerkle
import IbidModel

/// Hashes of perfect subtrees of 256, 65,536, … leaves, so that a proof reads a few hundred rows and not all of them.
///
/// A cache: a proof is held against the signed root before it is handed out.
enum NodeCache {
    static func insert(_ hash: MerkleHash, level: Int, index: Int64, into db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO nodes VALUES (?, ?, ?)")
            .execute(arguments: [level, index, hash.bytes])
    }

    /// The tree of the first `size` entries.
    static func tree(_ db: Database, size: Int64) -> MerkleTree {
        MerkleTree(size: size) { try hash(of: $0, db) }
    }

    /// Computes all of them, and the frontier, from the leaves.
    static func rebuild(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM nodes")
        var range = CompactRange()
        let rows = try Row.fetchCursor(db, sql: "SELECT leaf FROM entries ORDER BY leaf_index")
        while let row = try rows.next() {
            try range.append(.leaf(row.bytes(0) ?? [])) { level, index, hash in
                if level.isMultiple(of: 8) { try insert(hash, level: level, index: index, into: db) }
            }
        }
        if range.size > 0 { try LedgerHead.store(range, in: db) }
    }

    private static func hash(of node: MerkleNode, _ db: Database) throws -> MerkleHash {
        let height = node.level % 8
        let (first, count) = (node.index << height, Int64(1) << height)
        let rows =
            node.level < 8
            ? try Row.fetchCursor(
                db.cachedStatement(
                    sql: "SELECT leaf_hash FROM entries WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index"),
                arguments: [first, first + count])
            : try Row.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT hash FROM nodes WHERE level = ? AND position >= ? AND position < ? ORDER BY position
                        """),
                arguments: [node.level - height, first, first + count])
        var range = CompactRange()
        while let row = try rows.next() {
            guard let hash = MerkleHash(row.bytes(0) ?? []) else { break }
            range.append(hash)
        }
        guard range.size == count else {
            throw LedgerHeadError("a hash at level \(node.level), position \(node.index) of its tree is missing")
        }
        return range.root
    }
}
