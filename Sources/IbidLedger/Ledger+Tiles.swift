public import IbidMerkle
import IbidModel

extension Ledger {
    /// The log as files of the C2SP tlog-tiles layout, height 8, as any web server can serve them: tiles of hashes, bundles
    /// of entries, and last the checkpoint, over which all of them are.
    ///
    /// Tiles that are full never change; a log that grew has other partial ones at its end.
    ///
    /// - Parameter body: takes the path below the log's prefix, and the file's bytes.
    /// - Returns: the checkpoint.
    /// - Throws: `entry-not-found` for a ledger without entries, `ledger-damaged` when a hash is missing.
    public func forEachTile(_ body: (_ path: String, _ bytes: [UInt8]) throws -> Void) throws -> Checkpoint {
        try proving { db in
            let (note, checkpoint) = try Self.head(db)
            for part in Self.parts(checkpoint.size) {
                try body("tile/entries/\(part.path)", try Self.bundle(part.range, db))
            }
            var level = 0
            while checkpoint.size >> (8 * level) > 0 {
                for part in Self.parts(checkpoint.size >> (8 * level)) {
                    try body("tile/\(level)/\(part.path)", try Self.hashes(level: 8 * level, part.range, db))
                }
                level += 1
            }
            try body("checkpoint", Array(note.description.utf8))
            return checkpoint
        }
    }

    // Runs of 256 and the rest: `x001/x234/067`, and `.p/N` behind it for a part of N.
    private static func parts(_ count: Int64) -> [(path: String, range: Range<Int64>)] {
        (0..<(count + 255) / 256).map { number in
            var groups = [String(1000 + number % 1000).suffix(3)]
            var rest = number / 1000
            while rest > 0 {
                groups.insert("x" + String(1000 + rest % 1000).suffix(3), at: 0)
                rest /= 1000
            }
            let range = number * 256..<min(count, (number + 1) * 256)
            return (groups.joined(separator: "/") + (range.count < 256 ? ".p/\(range.count)" : ""), range)
        }
    }

    private static func hashes(level: Int, _ range: Range<Int64>, _ db: Database) throws -> [UInt8] {
        let sql =
            level == 0
            ? "SELECT leaf_hash FROM entries WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index"
            : "SELECT hash FROM nodes WHERE level = \(level) AND position >= ? AND position < ? ORDER BY position"
        let rows = try Row.fetchAll(
            db.cachedStatement(sql: sql), arguments: [range.lowerBound, range.upperBound])
        let hashes = rows.compactMap { $0.bytes(0) }.filter { $0.count == 32 }
        guard hashes.count == range.count else {
            throw LedgerHeadError("a hash at level \(level) of its tree is missing")
        }
        return hashes.flatMap { $0 }
    }

    // Each entry behind its length, in two bytes.
    private static func bundle(_ range: Range<Int64>, _ db: Database) throws -> [UInt8] {
        let rows = try Row.fetchAll(
            db.cachedStatement(
                sql: "SELECT leaf FROM entries WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index"),
            arguments: [range.lowerBound, range.upperBound])
        let leaves = rows.compactMap { $0.bytes(0) }.filter { $0.count < 1 << 16 }
        guard leaves.count == range.count else {
            throw LedgerHeadError("an entry from \(range.lowerBound) on is missing")
        }
        return leaves.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
    }
}
