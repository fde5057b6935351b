/// Files of earlier versions: their record is verified as it is, and the first command that opens one to write makes the
/// derived tables again.
extension Schema {
    /// Makes the derived tables of an earlier version again as they are now; the record stays as it is.
    static func upgrade(_ db: Database, from former: Int64) throws {
        try db.execute(sql: former == 1 ? "DROP TABLE artifacts" : "DROP VIEW artifacts; DROP TABLE terms")
        // They are filled by whoever asks them.
        try db.execute(sql: terms)
        if former == 1 { try Projection.rebuild(db) }
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// The definitions as `create` makes them, or as they were in an earlier version.
    static func expectedDefinitions(version: Int64) throws -> [String: String] {
        try DatabaseQueue(path: ":memory:").write { db in
            try create(db)
            if formerVersions.contains(version) {
                try db.execute(
                    sql: """
                        DROP VIEW artifacts; DROP VIEW terms; DROP TABLE part_terms; DROP TABLE term_parts;
                        \(version == 1 ? artifactsOfVersion1 : termsOfVersion2)
                        """)
            }
            return try definitions(db)
        }
    }

    private static let artifactsOfVersion1 = """
        CREATE TABLE artifacts (
            leaf_index INTEGER NOT NULL,
            position INTEGER NOT NULL,
            role TEXT NOT NULL,
            name TEXT NOT NULL,
            digest TEXT NOT NULL,
            PRIMARY KEY (leaf_index, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX artifacts_by_digest ON artifacts (digest, leaf_index);
        """

    private static let termsOfVersion2 = """
        CREATE TABLE terms (
            term TEXT NOT NULL,
            role TEXT NOT NULL,
            leaf_index INTEGER NOT NULL,
            position INTEGER NOT NULL,
            PRIMARY KEY (term, role, leaf_index, position)
        ) STRICT, WITHOUT ROWID;
        CREATE VIEW artifacts AS
            SELECT leaf_index, role, position, term AS digest, ifnull(payload ->> (CASE role
            WHEN 'subject' THEN '$.subject['
            WHEN 'dependency' THEN '$.predicate.buildDefinition.resolvedDependencies['
            WHEN 'byproduct' THEN '$.predicate.runDetails.byproducts['
            ELSE '$.predicate.configuration[' END || position || '].name'), '') AS name
        FROM terms JOIN statements USING (leaf_index)
        WHERE role IN ('subject', 'dependency', 'byproduct', 'configuration');
        """
}
