import IbidModel
import SystemPackage

/// The table behind the view `terms`. It is written behind the entries, many of them at once: the rows of one entry are
/// on as many pages of it, and an append that waited for all of them would take twice as long.
///
/// `term_parts` says how far it goes: a part's `upto` is the number of first entries whose terms are in it and the parts
/// before it.
enum TermIndex {
    // So many entries may be behind before an append writes their terms.
    private static let slack: Int64 = 1_024
    // Only now and then it is looked how many are.
    private static let pace: Int64 = 256
    // So many are written in one transaction.
    private static let batch: Int64 = 4_096

    /// Of how many first entries the terms are there.
    static func covered(_ db: Database) throws -> Int64 {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT upto FROM term_parts ORDER BY part DESC LIMIT 1"))?.integer(0) ?? 0
    }

    /// Writes terms after entries were appended, when there are enough to be written together.
    static func follow(_ appended: Range<Int64>, _ db: Database) throws {
        guard appended.lowerBound / pace != appended.upperBound / pace else { return }
        if appended.upperBound - (try covered(db)) >= slack { try extend(db) }
    }

    /// Writes the terms of the next entries, not of all if they are many; call it until nothing is left.
    ///
    /// - Returns: how many entries are left.
    @discardableResult
    static func extend(_ db: Database) throws -> Int64 {
        let (size, first) = (try LedgerHead.size(db), try covered(db))
        let end = min(size, first + batch)
        var next = first
        while next < end {
            let part = next / Schema.partEntries
            let last = min(end, (part + 1) * Schema.partEntries)
            try write(next..<last, part, db)
            next = last
        }
        return size - end
    }

    // In the order of the table, so that a page is written once.
    private static func write(_ entries: Range<Int64>, _ part: Int64, _ db: Database) throws {
        let payloads = try Row.fetchCursor(
            db.cachedStatement(
                sql: """
                    SELECT leaf_index, CAST(payload AS BLOB) FROM statements WHERE leaf_index >= ? AND leaf_index < ?
                    """), arguments: [entries.lowerBound, entries.upperBound])
        var found: [(term: StatementFacts.Term, leafIndex: Int64)] = []
        while let row = try payloads.next() {
            guard let index = row.integer(0) else { continue }
            found += StatementFacts(reading: row.bytes(1) ?? []).terms.map { ($0, index) }
        }
        found.sort { ($0.term.text, $0.term.role, $0.leafIndex) < ($1.term.text, $1.term.role, $1.leafIndex) }
        let statement = try db.cachedStatement(sql: "INSERT INTO part_terms VALUES (?, ?, ?, ?, ?)")
        for (term, index) in found {
            try statement.execute(arguments: [part, term.text, term.role, index, term.position])
        }
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO term_parts VALUES (?, ?)")
            .execute(arguments: [part, entries.upperBound])
    }
}

extension Ledger {
    /// Reads with the terms of every entry that is there now.
    ///
    /// - Throws: `index-behind` when they are not there and this ledger was opened for reading.
    func readingTerms<T>(_ body: (Database) throws -> T) throws -> T {
        while try read({ try TermIndex.covered($0) < LedgerHead.size($0) }) { try extendTerms() }
        return try read(body)
    }

    private func extendTerms() throws {
        guard let writer else { throw IbidError.indexBehind(path) }
        try FileLock.holding(FilePath(path.string + ".lock")) {
            try LedgerDatabase.translating(path) {
                try writer.writeWithoutTransaction { db in
                    // What can be made again need not wait for the disk: a power cut takes it, or leaves it whole.
                    try db.execute(sql: "PRAGMA synchronous = NORMAL")
                    let done = Result {
                        _ = try db.inTransaction(.immediate) { try TermIndex.extend(db) }
                    }
                    try db.execute(sql: "PRAGMA synchronous = FULL")
                    try done.get()
                }
            }
        }
    }
}
