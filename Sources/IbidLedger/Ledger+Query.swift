public import IbidModel

extension Ledger {
    /// The run that text names: an id, the unique start of one, or `@last` for the newest.
    ///
    /// - Throws: `run-not-found`, `run-ambiguous`.
    public func resolve(_ text: String) throws -> RunID {
        if text == "@last" {
            guard let newest = try runs(limit: 1).first else { throw IbidError.runNotFound(text) }
            return newest.run
        }
        // Crockford's base 32 is written in either case.
        let prefix = text.lowercased()
        guard RunID.isPrefix(prefix) else { throw IbidError.runNotFound(text) }
        let found = try read { db in
            // A range, not LIKE: it uses the index. "{" follows "z".
            try Row.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT run_id FROM events
                    WHERE run_id >= ?1 AND run_id < ?1 || '{' AND kind IN ('run-intent', 'run', 'import')
                    ORDER BY run_id DESC LIMIT 5
                    """, arguments: [prefix]
            ).compactMap { $0.text(0).flatMap { RunID($0) } }
        }
        guard let run = found.first else { throw IbidError.runNotFound(text) }
        guard found.count == 1 else { throw IbidError.runAmbiguous(text, found) }
        return run
    }

    /// The runs, newest first, by the order of their first entries.
    public func runs(limit: Int? = nil) throws -> [RunEntry] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT * FROM runs ORDER BY first_index DESC LIMIT ?", arguments: [limit ?? -1]
            ).compactMap(Self.runEntry)
        }
    }

    /// One run; nil when the ledger has no entry of it.
    public func run(_ run: RunID) throws -> RunEntry? {
        try read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM runs WHERE run_id = ?", arguments: [run.text])
                .flatMap(Self.runEntry)
        }
    }

    /// The runs that were about to start and have not been reported, oldest first: running, or lost.
    ///
    /// - Parameter first: the entry to begin with; those before are of other runs.
    public func intentsWithoutOutcome(from first: Int64 = 0) throws -> [RunEntry] {
        try read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM runs WHERE first_index >= ? AND outcome_index IS NULL AND intent_index IS NOT NULL
                    ORDER BY first_index
                    """, arguments: [first]
            ).compactMap(Self.runEntry)
        }
    }

    /// The entries of a run in order: its image's latest build before its outcome, intent, outcome, replays.
    ///
    /// - Throws: `run-not-found`.
    public func entries(for run: RunID) throws -> [LedgerEntry] {
        try read { db in try Self.indices(of: run, db).map { try Self.entry($0, db) } }
    }

    /// The statements of a run, in the order of its entries.
    ///
    /// - Throws: `run-not-found`.
    public func statements(for run: RunID) throws -> [Statement] {
        try entries(for: run).compactMap(\.statement)
    }

    /// Whether the ledger knows a run: its own, or one that was taken in.
    public func hasRun(_ run: RunID) throws -> Bool { try self.run(run) != nil }

    /// One entry.
    ///
    /// - Throws: `entry-not-found`.
    public func entry(at index: Int64) throws -> LedgerEntry { try read { try Self.entry(index, $0) } }

    /// The newest statement about the build of an image; nil when there is none.
    public func imageStatement(for image: Digest) throws -> Statement? {
        try read { db in
            let index = try db.integer(
                "SELECT max(leaf_index) FROM events WHERE kind = 'image' AND image = ?", [image.hex])
            return try index.flatMap { try Self.entry($0, db).statement }
        }
    }

    /// The entries that name some bytes, oldest first, with the role in which they do (`subject`, `dependency`,
    /// `byproduct`, `configuration`).
    public func entries(naming digest: Digest) throws -> [(leafIndex: Int64, role: String, name: String)] {
        try readingTerms { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT leaf_index, role, name FROM artifacts WHERE digest = ?
                    ORDER BY leaf_index, instr('subject dependency byproduct configuration', role), position
                    """,
                arguments: [digest.hex]
            ).map { ($0.integer(0) ?? -1, $0.text(1) ?? "", $0.text(2) ?? "") }
        }
    }

    static func indices(of run: RunID, _ db: Database) throws -> [Int64] {
        let own = try Row.fetchAll(
            db, sql: "SELECT leaf_index FROM events WHERE run_id = ? ORDER BY leaf_index", arguments: [run.text]
        ).compactMap { $0.integer(0) }
        guard
            let entry = try Row.fetchOne(db, sql: "SELECT * FROM runs WHERE run_id = ?", arguments: [run.text])
                .flatMap(runEntry)
        else { throw IbidError.runNotFound(run.text) }
        let image = try entry.image.flatMap { image in
            try db.integer(
                """
                SELECT max(leaf_index) FROM events WHERE kind = 'image' AND image = ?1
                    AND (?2 IS NULL OR leaf_index < ?2)
                """, [image.hex, entry.outcomeIndex])
        }
        return (own + (image.map { [$0] } ?? [])).sorted()
    }

    static func entry(_ index: Int64, _ db: Database) throws -> LedgerEntry {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT leaf, payload_type, CAST(payload AS BLOB), key_id, signature
                FROM entries JOIN statements USING (leaf_index) WHERE leaf_index = ?
                """, arguments: [index])
        guard let row, let leaf = row.bytes(0), let type = row.text(1), let payload = row.bytes(2),
            let keyID = row.text(3), let signature = row.bytes(4)
        else { throw IbidError.entryNotFound(index, size: try LedgerHead.size(db)) }
        let envelope = Envelope(payloadType: type, payload: payload, keyID: keyID, signature: signature)
        return LedgerEntry(leafIndex: index, leaf: leaf, envelope: envelope)
    }

    static func runEntry(_ row: Row) -> RunEntry? {
        guard let run = row.text(0).flatMap({ RunID($0) }) else { return nil }
        return RunEntry(
            run: run, intentIndex: row.integer(2), outcomeIndex: row.integer(3),
            image: row.text(4).flatMap { Digest(hex: $0) }, startedAt: row.text(5).flatMap { Timestamp($0) },
            finishedAt: row.text(6).flatMap { Timestamp($0) })
    }
}
