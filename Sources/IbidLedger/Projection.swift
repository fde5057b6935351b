import GRDB
import IbidModel

/// The tables that are derived from statements.
enum Projection {
    /// Enters what one statement says.
    static func insert(_ facts: StatementFacts, at index: Int64, into db: Database) throws {
        let event = try db.cachedStatement(
            sql: """
                INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?2 IN ('run-intent', 'run', 'import') AND ?3 IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM events WHERE run_id = ?3 AND kind IN ('run-intent', 'run', 'import')))
                """)
        try event.execute(arguments: [
            index, facts.kind.rawValue, facts.run?.text, facts.image?.hex, facts.startedAt, facts.finishedAt,
        ])
        let terms = facts.terms
        guard !terms.isEmpty else { return }
        let statement = try db.cachedStatement(sql: "INSERT INTO terms VALUES (?, ?, ?, ?)")
        for term in terms { try statement.execute(arguments: [term.text, term.role, index, term.position]) }
    }

    /// Makes the tables again from the statements.
    static func rebuild(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM events; DELETE FROM terms;")
        let rows = try Row.fetchCursor(
            db, sql: "SELECT leaf_index, CAST(payload AS BLOB) FROM statements ORDER BY leaf_index")
        while let row = try rows.next() {
            try insert(StatementFacts(reading: row.bytes(1) ?? []), at: row.integer(0) ?? -1, into: db)
        }
    }
}
