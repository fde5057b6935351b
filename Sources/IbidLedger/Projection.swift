import IbidModel

/// The table of events, which is derived from statements.
enum Projection {
    /// Enters what one statement is about.
    static func insert(_ facts: StatementFacts, at index: Int64, into db: Database) throws {
        let event = try db.cachedStatement(
            sql: """
                INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?2 IN ('run-intent', 'run', 'import') AND ?3 IS NOT NULL
                    AND NOT EXISTS (SELECT 1 FROM events WHERE run_id = ?3 AND kind IN ('run-intent', 'run', 'import')))
                """)
        try event.execute(arguments: [
            index, facts.kind.rawValue, facts.run?.text, facts.image?.hex, facts.startedAt, facts.finishedAt,
        ])
    }

    /// Makes the table again from the statements, and empties those of the terms, for `TermIndex` to fill.
    static func rebuild(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM events; DELETE FROM part_terms; DELETE FROM term_parts;")
        let rows = try Row.fetchCursor(
            db, sql: "SELECT leaf_index, CAST(payload AS BLOB) FROM statements ORDER BY leaf_index")
        while let row = try rows.next() {
            try insert(StatementFacts(reading: row.bytes(1) ?? []), at: row.integer(0) ?? -1, into: db)
        }
    }
}
