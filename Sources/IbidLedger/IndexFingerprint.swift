import CSQLite

/// A number for a set of index rows that does not depend on their order: the sum of their hashes, under a key that is
/// new in each process. A table and its index have the same one, or differ.
///
/// SQLite's own check looks each row of the table up in the index, which takes ten times as long.
struct IndexFingerprint: Equatable {
    private var sum: UInt64 = 0
    private var count = 0

    mutating func add(_ key: UnsafeRawBufferPointer, _ leafIndex: Int64) {
        var hasher = Hasher()
        hasher.combine(leafIndex)
        hasher.combine(bytes: key)
        sum &+= UInt64(bitPattern: Int64(hasher.finalize()))
        count += 1
    }
}

/// The fingerprints of the indices through which the ledger is asked, of the tables or of the indices themselves.
struct IndexFingerprints: Equatable {
    var eventsByRun = IndexFingerprint()
    var eventsByImage = IndexFingerprint()
    var eventsOpening = IndexFingerprint()

    /// What the tables hold: nothing yet.
    init() {}

    /// Walks through the indices.
    ///
    /// - Returns: nil when one of them is not in order all the way. SQLite finds rows in a tree by their order, and a walk
    ///   goes through every row of an index, inner ones too; it ends at the first that is out of order, so that pages
    ///   that lead back to themselves do not keep it.
    init?(walking db: Database) throws {
        let queries = [
            """
            SELECT run_id, leaf_index FROM events INDEXED BY events_by_run WHERE run_id IS NOT NULL ORDER BY 1, 2
            """,
            "SELECT image, leaf_index FROM events INDEXED BY events_by_image WHERE kind = 'image' ORDER BY 1, 2",
            "SELECT NULL, leaf_index FROM events INDEXED BY events_opening WHERE opens = 1 ORDER BY 2",
        ]
        let found = try queries.map { try Self.walk($0, db) }
        guard let runs = found[0], let images = found[1], let opening = found[2] else { return nil }
        (eventsByRun, eventsByImage, eventsOpening) = (runs, images, opening)
    }

    private static func walk(_ query: String, _ db: Database) throws -> IndexFingerprint? {
        let rows = try db.makeStatement(sql: query)
        defer { sqlite3_reset(rows.sqliteStatement) }
        var fingerprint = IndexFingerprint()
        var previous: (key: [UInt8], leafIndex: Int64) = ([], -1)
        let row = rows.sqliteStatement
        while true {
            let code = sqlite3_step(row)
            if code == SQLITE_DONE { return fingerprint }
            guard code == SQLITE_ROW else { throw DatabaseError(code) }
            let bytes = sqlite3_column_blob(row, 0)
            let key = UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(row, 0)))
            let leafIndex = sqlite3_column_int64(row, 1)
            fingerprint.add(key, leafIndex)
            let isSame = key.elementsEqual(previous.key)
            guard
                isSame ? previous.leafIndex < leafIndex : previous.key.lexicographicallyPrecedes(key)
            else { return nil }
            if !isSame {
                previous.key.removeAll(keepingCapacity: true)
                previous.key.append(contentsOf: key)
            }
            previous.leafIndex = leafIndex
        }
    }
}
