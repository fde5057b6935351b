/// The ledger's tables, as raw SQL that an auditor can read; audit/LEDGER.md explains them.
enum Schema {
    /// `IBID`, in the file's header.
    static let applicationID: Int64 = 0x4942_4944
    /// In the file's header as `user_version`; counts changes of the tables. Earlier ones had other derived tables.
    static let version: Int64 = 3
    /// The versions whose record is as it is now, and whose derived tables are made again (`Schema+Former.swift`).
    static let formerVersions: ClosedRange<Int64> = 1...2

    /// Makes the tables in an empty file.
    static func create(_ db: Database) throws {
        try db.execute(sql: record)
        for (table, key, next) in [
            ("identity", "id", "1 - (SELECT count(*) FROM identity)"),
            ("entries", "leaf_index", "(SELECT ifnull(max(leaf_index) + 1, 0) FROM entries)"),
            ("statements", "leaf_index", "(SELECT ifnull(max(leaf_index) + 1, 0) FROM statements)"),
        ] {
            try db.execute(sql: guards(table, refuse: "NEW.\(key) IS NOT \(next)"))
        }
        // A checkpoint is over all entries, and over more of them than the one before.
        try db.execute(
            sql: guards(
                "checkpoints",
                refuse: """
                    NEW.tree_size <= (SELECT ifnull(max(tree_size), 0) FROM checkpoints)
                        OR NEW.tree_size IS NOT (SELECT max(leaf_index) + 1 FROM entries)
                    """))
        try db.execute(sql: projections)
        try db.execute(sql: terms)
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// The definitions in a file, by name.
    static func definitions(_ db: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(
            db,
            // The statistics of ANALYZE change how rows are found, never which.
            sql: """
                SELECT type || ' ' || name, sql FROM sqlite_schema
                WHERE sql IS NOT NULL AND name NOT IN ('sqlite_stat1', 'sqlite_stat4')
                """
        )
        return Dictionary(rows.map { ($0.text(0) ?? "", $0.text(1) ?? "") }, uniquingKeysWith: { $0 + $1 })
    }

    // The record: entries and statements are the truth; a checkpoint signs what was true when it was made.
    private static let record = """
        CREATE TABLE identity (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            origin TEXT NOT NULL,
            ledger_key TEXT NOT NULL,
            attestor_key TEXT NOT NULL
        ) STRICT;
        CREATE TABLE entries (
            leaf_index INTEGER PRIMARY KEY CHECK (leaf_index >= 0),
            leaf BLOB NOT NULL,
            leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)
        ) STRICT;
        CREATE TABLE statements (
            leaf_index INTEGER PRIMARY KEY REFERENCES entries (leaf_index),
            payload_type TEXT NOT NULL,
            payload TEXT NOT NULL,
            key_id TEXT NOT NULL,
            signature BLOB NOT NULL
        ) STRICT;
        CREATE TABLE checkpoints (
            tree_size INTEGER PRIMARY KEY CHECK (tree_size > 0),
            root_hash BLOB NOT NULL CHECK (length(root_hash) = 32),
            note TEXT NOT NULL
        ) STRICT;
        """

    // Guard rails against accidents: who owns the file can drop them, and the tree still shows what was done. Without
    // the last one INSERT OR REPLACE would pass by the trigger on DELETE.
    private static func guards(_ table: String, refuse condition: String) -> String {
        """
        CREATE TRIGGER \(table)_no_update BEFORE UPDATE ON \(table)
            BEGIN SELECT raise(ABORT, 'the ledger is append-only: \(table) cannot be updated'); END;
        CREATE TRIGGER \(table)_no_delete BEFORE DELETE ON \(table)
            BEGIN SELECT raise(ABORT, 'the ledger is append-only: \(table) cannot be deleted'); END;
        CREATE TRIGGER \(table)_dense BEFORE INSERT ON \(table)
            WHEN \(condition)
            BEGIN SELECT raise(ABORT, 'the ledger is append-only: \(table) takes only the next row'); END;
        """
    }

    // Derived from the record, and made again from it whenever asked.
    private static let projections = """
        CREATE TABLE frontier (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            tree_size INTEGER NOT NULL,
            hashes BLOB NOT NULL
        ) STRICT;
        CREATE TABLE nodes (
            level INTEGER NOT NULL,
            position INTEGER NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (level, position)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE events (
            leaf_index INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            run_id TEXT,
            image TEXT,
            started_at TEXT,
            finished_at TEXT,
            opens INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX events_by_run ON events (run_id, leaf_index) WHERE run_id IS NOT NULL;
        CREATE INDEX events_by_image ON events (image, leaf_index) WHERE kind = 'image';
        CREATE INDEX events_opening ON events (leaf_index) WHERE opens = 1;
        CREATE VIEW runs AS
            SELECT o.run_id, o.leaf_index AS first_index, i.leaf_index AS intent_index, f.leaf_index AS outcome_index,
                ifnull(f.image, i.image) AS image, ifnull(f.started_at, i.started_at) AS started_at, f.finished_at
            FROM events AS o
            LEFT JOIN events AS i ON i.leaf_index =
                (SELECT max(leaf_index) FROM events WHERE run_id = o.run_id AND kind = 'run-intent')
            LEFT JOIN events AS f ON f.leaf_index =
                (SELECT max(leaf_index) FROM events WHERE run_id = o.run_id AND kind = 'run')
            WHERE o.opens = 1;
        CREATE VIEW replays AS
            SELECT leaf_index, run_id, finished_at FROM events WHERE kind = 'replay';
        CREATE VIEW image_builds AS
            SELECT leaf_index, image, started_at, finished_at FROM events WHERE kind = 'image';
        """

    /// How many entries a part of the terms is about; it is never changed, since files have it.
    static let partEntries: Int64 = 16_384

    /// By what an entry is found: the digests that its statement names, and a run's job, commit, status and tags.
    ///
    /// One tree in the order in which it is asked, in parts of so many entries: digests are in no order, so that an entry
    /// changes a page of the tree for each, and without the parts those would be all over a tree that only grows. What a
    /// digest is called is read where it stands, in the statement: through `json_each`, since SQLite lets views of a file
    /// that it does not trust ask that, and no other function that looks into JSON.
    static let terms = """
        CREATE TABLE term_parts (
            part INTEGER PRIMARY KEY,
            upto INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE part_terms (
            part INTEGER NOT NULL,
            term TEXT NOT NULL,
            role TEXT NOT NULL,
            leaf_index INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (part, term, role, leaf_index, position)
        ) STRICT, WITHOUT ROWID;
        CREATE VIEW terms AS
            SELECT term, role, leaf_index, position, part FROM term_parts CROSS JOIN part_terms USING (part);
        CREATE VIEW artifacts AS
            SELECT leaf_index, role, position, term AS digest,
                ifnull((SELECT value FROM json_each(payload, CASE role
                    WHEN 'subject' THEN '$.subject['
                    WHEN 'dependency' THEN '$.predicate.buildDefinition.resolvedDependencies['
                    WHEN 'byproduct' THEN '$.predicate.runDetails.byproducts['
                    ELSE '$.predicate.configuration[' END || position || ']') WHERE key = 'name'), '') AS name,
                part
            FROM terms JOIN statements USING (leaf_index)
            WHERE role IN ('subject', 'dependency', 'byproduct', 'configuration');
        """
}
