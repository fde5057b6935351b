import Foundation
import IbidCrypto
import IbidLedger
import IbidModel
import IbidTestSupport
import SystemPackage
import Testing

/// Ledgers that somebody edited, with SQL or with a hex editor.
@Suite(.enabled(if: has("sqlite3"), "sqlite3 is not installed"))
struct DamageTests {
    /// A ledger of 12 entries whose file holds everything, and nothing else does.
    private static func make(_ home: FilePath) throws -> FilePath {
        let ledger = try RecordTests.make(home).ledger
        // Whoever asks for a file has the terms written.
        _ = try ledger.entries(naming: Fixture.image)
        let path = ledger.path
        try sql(path, "PRAGMA wal_checkpoint(TRUNCATE)")
        return path
    }

    @discardableResult
    private static func sql(_ path: FilePath, _ statement: String) throws -> ShellResult {
        try shell(["sqlite3", path.string, statement])
    }

    /// Puts bytes where a ledger is, without what SQLite left beside an earlier one.
    private static func write(_ bytes: Data, _ file: FilePath) throws {
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: file.string + suffix) {
            try FileManager.default.removeItem(atPath: file.string + suffix)
        }
        try bytes.write(to: URL(fileURLWithPath: file.string))
    }

    /// Everything that sqlite3 reads: tables, and what is found through their indices.
    private static func read(_ path: FilePath) throws -> String {
        let indices = [
            "SELECT run_id, leaf_index FROM events INDEXED BY events_by_run WHERE run_id IS NOT NULL ORDER BY 1, 2",
            "SELECT image, leaf_index FROM events INDEXED BY events_by_image WHERE kind = 'image' ORDER BY 1, 2",
            "SELECT leaf_index FROM events INDEXED BY events_opening WHERE opens = 1 ORDER BY 1",
            "SELECT * FROM part_terms ORDER BY 1, 2, 3, 4, 5",
        ]
        return try ([".dump"] + indices).map { query in
            let result = try sql(path, query)
            return result.stdout + result.stderr
        }.joined()
    }

    private static let tables = ["entries", "statements", "checkpoints", "identity"]

    @Test func theSchemaRefusesChanges() throws {
        try withScratch { home in
            let path = try Self.make(home)
            for table in Self.tables {
                let key = table == "checkpoints" ? "tree_size" : table == "identity" ? "id" : "leaf_index"
                let statements = [
                    "UPDATE \(table) SET \(key) = \(key)", "DELETE FROM \(table)",
                    "DELETE FROM \(table) WHERE \(key) = (SELECT max(\(key)) FROM \(table))",
                    "INSERT OR REPLACE INTO \(table) SELECT * FROM \(table)",
                    "REPLACE INTO \(table) SELECT * FROM \(table) ORDER BY \(key) DESC LIMIT 1",
                    "INSERT INTO \(table) SELECT * FROM \(table) LIMIT 1",
                ]
                for statement in statements {
                    let result = try Self.sql(path, statement)
                    #expect(result.status != 0, "\(statement)")
                    #expect(result.stderr.contains("append-only"), "\(statement): \(result.stderr)")
                }
            }
            for index in [13, 14, -1, 11] {
                let result = try Self.sql(path, "INSERT INTO entries VALUES (\(index), x'00', zeroblob(32))")
                #expect(result.stderr.contains("append-only"), "a gap at \(index)")
            }
            #expect(try Self.sql(path, "INSERT INTO entries VALUES ('12', 7, zeroblob(32))").status != 0, "STRICT")
            #expect(Ledger.verify(file: path).ok)
        }
    }

    @Test func aByteOfAnEntryIsNamed() throws {
        try withScratch { home in
            let path = try Self.make(home)
            let original = try Data(contentsOf: URL(fileURLWithPath: path.string))
            let ledger = try Ledger.openReadOnly(at: path)
            for index: Int64 in [1, 6, 8, 11] {
                let entry = try ledger.entry(at: index)
                let hash = Digest.sha256(of: [0] + entry.leaf).bytes
                let fields = [
                    "leaf": Array(entry.leaf.dropFirst(60)), "payload": Array(entry.envelope.payload.dropFirst(40)),
                    "signature": Array(entry.envelope.signature.dropFirst(8)), "leaf_hash": hash,
                ]
                for (field, bytes) in fields {
                    let found = try #require(original.range(of: Data(bytes)), "\(field) of entry \(index)")
                    var damaged = original
                    damaged[found.lowerBound + 5] ^= 1
                    let file = home.appending("damaged.sqlite")
                    try Self.write(damaged, file)
                    let report = Ledger.verify(file: file)
                    let named = report.problems.contains { $0.what.contains("entry \(index) (run ") }
                    #expect(named, "\(field) of entry \(index): \(report.problems)")
                    #expect(
                        report.problems.allSatisfy { !$0.what.contains("entry \(index + 1) ") },
                        "\(field): \(report.problems)")
                }
            }
        }
    }

    @Test func changesWithoutTheTriggersShow() throws {
        try withScratch { home in
            let path = try Self.make(home)
            let original = try Data(contentsOf: URL(fileURLWithPath: path.string))
            let open = Self.tables.flatMap { table in
                ["update", "delete"].map { "DROP TRIGGER \(table)_no_\($0);" } + ["DROP TRIGGER \(table)_dense;"]
            }.joined()
            let edits = [
                "DROP TRIGGER entries_no_update", "CREATE TRIGGER x AFTER INSERT ON entries BEGIN SELECT 1; END",
                "DROP INDEX events_by_run", "CREATE TABLE extra (x)", "PRAGMA user_version = 4",
                "PRAGMA user_version = 1", "PRAGMA user_version = 2",
                "PRAGMA application_id = 0",
                open + "DELETE FROM entries WHERE leaf_index = 11",
                open
                    + "DELETE FROM checkpoints WHERE tree_size = 12; DELETE FROM statements WHERE leaf_index = 11; DELETE FROM entries WHERE leaf_index = 11; DELETE FROM events WHERE leaf_index = 11; DELETE FROM part_terms WHERE leaf_index = 11;",
                open + "DELETE FROM entries WHERE leaf_index = 5", open + "DELETE FROM statements WHERE leaf_index = 5",
                open + "DELETE FROM checkpoints WHERE tree_size = 12",
                open + "UPDATE entries SET leaf = CAST(leaf || x'00' AS BLOB) WHERE leaf_index = 3",
                open + "UPDATE entries SET leaf_hash = zeroblob(32) WHERE leaf_index = 3",
                open + "UPDATE statements SET payload = replace(payload, 'main', 'mean') WHERE leaf_index = 3",
                open
                    + "UPDATE statements SET signature = (SELECT signature FROM statements WHERE leaf_index = 4) WHERE leaf_index = 3",
                open + "UPDATE statements SET key_id = 'x' WHERE leaf_index = 3",
                open + "UPDATE statements SET payload_type = 'text/plain' WHERE leaf_index = 3",
                open + "UPDATE checkpoints SET note = replace(note, '\(4)', '5') WHERE tree_size = 4",
                open + "UPDATE checkpoints SET root_hash = zeroblob(32) WHERE tree_size = 4",
                open + "UPDATE identity SET origin = 'elsewhere'",
                open + "DELETE FROM identity",
                open + "UPDATE entries SET leaf_index = 100 WHERE leaf_index = 11",
                "UPDATE events SET run_id = NULL WHERE leaf_index = 7", "UPDATE events SET opens = 1",
                "DELETE FROM events",
                "UPDATE events SET started_at = '2020-01-01T00:00:00Z' WHERE leaf_index = 8",
                "UPDATE part_terms SET term = 'x' WHERE leaf_index = 8 AND position = 0 AND role = 'subject'",
                "UPDATE part_terms SET role = 'status' WHERE leaf_index = 8 AND role = 'subject'",
                "DELETE FROM part_terms WHERE role = 'subject' AND leaf_index = 8", "DELETE FROM part_terms",
                "DELETE FROM term_parts",
                "INSERT INTO part_terms VALUES (0, 'x', 'subject', 8, 99)",
                "INSERT INTO part_terms VALUES (0, 'x', 'subject', 99, 0)",
                "INSERT INTO part_terms VALUES (0, 'x', 'subject', -1, 0)",
                // Where nobody looks for it.
                "UPDATE part_terms SET part = 1 WHERE leaf_index = 8 AND role = 'subject'",
                "UPDATE term_parts SET upto = 13", "UPDATE term_parts SET part = 1", "UPDATE term_parts SET upto = 8",
                "INSERT INTO term_parts VALUES (1, 12)",
                "UPDATE frontier SET hashes = zeroblob(64)", "INSERT INTO nodes VALUES (8, 0, zeroblob(32))",
            ]
            for edit in edits {
                let file = home.appending("edited.sqlite")
                try Self.write(original, file)
                let result = try Self.sql(file, edit)
                #expect(result.status == 0, "\(edit): \(result.stderr)")
                let problems = Ledger.verify(file: file).problems
                // Restoring the triggers is what a careful intruder does; the tree shows it all the same.
                #expect(
                    !problems.filter { !edit.hasPrefix(open) || !$0.what.contains("definition of trigger") }.isEmpty
                        || edit.contains("tree_size = 12; DELETE"), "\(edit)")
                #expect(!problems.isEmpty)
            }
        }
    }

    /// An index that leads elsewhere hides a run from whoever asks for it, while every table is whole.
    @Test func aChangedIndexShows() throws {
        try withScratch { home in
            let path = try Self.make(home)
            let original = try Data(contentsOf: URL(fileURLWithPath: path.string))
            let file = home.appending("changed.sqlite")
            for name in ["part_terms", "events_by_run", "events_by_image", "events_opening"] {
                let pages = try Self.sql(path, "SELECT pageno FROM dbstat WHERE name = '\(name)' AND pagetype = 'leaf'")
                let page = try #require(Int(pages.stdout.split(separator: "\n").first ?? ""), "\(pages.stderr)")
                // The last byte of a page belongs to its first row: the number of an entry, or a position.
                for offset in [1, 2, 40] {
                    var changed = original
                    changed[page * 4096 - offset] ^= 1
                    try Self.write(changed, file)
                    let same = try Self.read(file) == Self.read(path)
                    #expect(same || !Ledger.verify(file: file).ok, "\(offset) bytes from the end of \(name)")
                }
            }
        }
    }

    /// A file that was made to do something to whoever opens it: it is looked at, runs nothing, and does not take long.
    @Test(.timeLimit(.minutes(2)))
    func aHostileFileRunsNothing() throws {
        try withScratch { home in
            let path = try Self.make(home)
            let original = try Data(contentsOf: URL(fileURLWithPath: path.string))
            let file = home.appending("hostile.sqlite")
            let open = """
                PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = RESET;
                """
            func schema(_ old: String, _ new: String) -> String {
                """
                PRAGMA writable_schema = 1;
                UPDATE sqlite_schema SET sql = replace(sql, '\(old)', '\(new)') WHERE type = 'table';
                """
            }
            let edits = [
                // Rows without end.
                open + """
                    ALTER TABLE entries RENAME TO hidden;
                    CREATE VIEW entries AS WITH RECURSIVE c (x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c)
                    SELECT x AS leaf_index, x'00' AS leaf, zeroblob(32) AS leaf_hash FROM c;
                    """,
                // Functions of the schema: memory, time, other files.
                schema("CHECK (leaf_index >= 0)", "CHECK (length(randomblob(900000000)) > leaf_index)"),
                schema("CHECK (id = 1)", "CHECK (load_extension(''/tmp/x.so'') IS NULL)"),
                "CREATE INDEX slow ON events (length(hex(zeroblob(1000000))))",
                "CREATE VIRTUAL TABLE words USING fts5 (x)", "CREATE TABLE other (x)",
                "CREATE TRIGGER t BEFORE INSERT ON events BEGIN SELECT load_extension('/tmp/x.so'); END",
                // Values that no statement has.
                open + "UPDATE statements SET payload = hex(zeroblob(9000000)) WHERE leaf_index = 3",
                open
                    + "UPDATE statements SET payload = printf('%.*c', 1000000, '[') || printf('%.*c', 1000000, ']') WHERE leaf_index = 3",
                open + "UPDATE statements SET payload = CAST(x'7b22ff227d' AS TEXT) WHERE leaf_index = 3",
                open + "UPDATE checkpoints SET note = printf('%.*c', 2000000, char(10)) WHERE tree_size = 3",
                "UPDATE frontier SET hashes = zeroblob(10000000)",
                """
                INSERT INTO nodes WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100000)
                SELECT 8, x, zeroblob(32) FROM c
                """,
                """
                INSERT INTO part_terms WITH RECURSIVE c (x) AS (SELECT 100 UNION ALL SELECT x + 1 FROM c LIMIT 100000)
                SELECT 0, 'x', 'subject', 3, x FROM c
                """,
                "PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM; CREATE TABLE o (x)",
            ]
            for edit in edits {
                try Self.write(original, file)
                let made = try shell(["sqlite3", file.string, edit])
                #expect(made.status == 0, "\(edit): \(made.stderr)")
                let start = ContinuousClock.now
                #expect(!Ledger.verify(file: file).ok, "\(edit)")
                #expect(ContinuousClock.now - start < .seconds(10), "\(edit)")
            }
        }
    }

    /// Pages of another ledger of the same keys, which are sound by themselves.
    @Test func pagesOfAnotherLedgerShow() throws {
        try withScratch { home in
            let path = try Self.make(home)
            let other = home.appending("other")
            try FileManager.default.createDirectory(atPath: other.string, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: home.appending("keys").string, toPath: other.appending("keys").string)
            try FileManager.default.removeItem(atPath: other.appending("keys/ledger.checkpoint").string)
            let second = try Self.make(other)
            let (mine, theirs) = (
                try Data(contentsOf: URL(fileURLWithPath: path.string)),
                try Data(contentsOf: URL(fileURLWithPath: second.string))
            )
            let file = home.appending("mixed.sqlite")
            for page in 0..<min(mine.count, theirs.count) / 4096 {
                var mixed = mine
                mixed.replaceSubrange(page * 4096..<page * 4096 + 4096, with: theirs[page * 4096..<page * 4096 + 4096])
                try Self.write(mixed, file)
                let same = try Self.read(file) == Self.read(path)
                #expect(same || !Ledger.verify(file: file).ok, "page \(page + 1)")
            }
            // Two histories of one key: each is sound, and only the other's checkpoint tells.
            var options = VerifyOptions()
            options.since = [try #require(try Ledger.openReadOnly(at: second).checkpoint())]
            #expect(Ledger.verify(file: second, options: options).ok)
            #expect(!Ledger.verify(file: path, options: options).ok)
        }
    }

    @Test func whatWasDroppedAtTheEndShowsAgainstACheckpointKeptElsewhere() throws {
        try withScratch { home in
            let ledger = try RecordTests.make(home).ledger
            var options = VerifyOptions()
            options.since = [try #require(try ledger.checkpoint())]
            let dropped = """
                PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = 0;
                """
            try Self.sql(ledger.path, dropped)
            try Self.sql(
                ledger.path,
                """
                DELETE FROM checkpoints WHERE tree_size = 12; DELETE FROM statements WHERE leaf_index = 11;
                DELETE FROM entries WHERE leaf_index = 11; DELETE FROM events WHERE leaf_index = 11;
                DELETE FROM part_terms WHERE leaf_index = 11;
                """)
            let problems = Ledger.verify(file: ledger.path, options: options).problems
            #expect(problems.contains { $0.what == "the entries" && $0.got == "11" })
            #expect(Ledger.verify(file: home.appending("none.sqlite")).problems.count == 1)
        }
    }

    /// Among many: the wrong ones are named, and nothing else.
    @Test func wrongSignaturesAmongManyAreNamed() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<1_100).map { Fixture.intent($0) })
            for number in 1_100..<1_104 { try ledger.append(Fixture.intent(number)) }
            let whole = ledger.verify()
            #expect(whole.ok, "\(whole.problems)")
            let edit = """
                PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE type = 'trigger'; PRAGMA writable_schema = RESET;
                UPDATE statements SET signature = (SELECT signature FROM statements WHERE leaf_index = 4) WHERE leaf_index = 777;
                UPDATE checkpoints SET note = (SELECT note FROM checkpoints WHERE tree_size = 1101) WHERE tree_size = 1103;
                """
            #expect(try Self.sql(ledger.path, edit).status == 0)
            let problems = Ledger.verify(file: ledger.path).problems.map(\.what)
            #expect(problems.contains { $0.contains("777") } && problems.contains { $0.contains("1103") })
        }
    }

    /// Who verified a ledger in full and kept its checkpoint has its bytes held against that, and no signature verified
    /// twice; what is new has all of it.
    @Test func whatWasVerifiedBeforeIsHeldAgainstItsCheckpoint() throws {
        try withScratch { home in
            let ledger = try Ledger.scratch(home)
            try ledger.append((0..<40).map { Fixture.intent($0) })
            var options = VerifyOptions()
            options.verified = try ledger.checkpoint()
            for number in 40..<44 { try ledger.append(Fixture.intent(number)) }
            try Self.sql(ledger.path, "PRAGMA wal_checkpoint(TRUNCATE)")
            let report = ledger.verify(options: options)
            #expect(report.ok && report.proved.contains { $0.contains("signed") && $0.contains("after the first 40") })
            #expect(report.notProved.contains { $0.contains("first 40 entries by themselves") })
            let original = try Data(contentsOf: URL(fileURLWithPath: ledger.path.string))
            func edited(_ edit: String) throws -> VerificationReport {
                let file = home.appending("edited.sqlite")
                try Self.write(original, file)
                let open = "PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE type = 'trigger';"
                #expect(try Self.sql(file, open + "PRAGMA writable_schema = RESET;" + edit).status == 0)
                return Ledger.verify(file: file, options: options)
            }
            let other = "(SELECT signature FROM statements WHERE leaf_index = 4)"
            // A signature is in its leaf, so the root tells; that of a checkpoint is in no leaf.
            #expect(try !edited("UPDATE statements SET signature = \(other) WHERE leaf_index = 7").ok)
            let payload = "UPDATE statements SET payload = replace(payload, 'main', 'mean')"
            #expect(try !edited(payload + " WHERE leaf_index = 7").ok)
            #expect(try !edited("UPDATE checkpoints SET note = replace(note, 'A', 'B') WHERE tree_size = 44").ok)
            // Somebody else's checkpoint stands for nothing.
            let stranger = try Ledger.scratch(home.appending("stranger"))
            try stranger.append(Fixture.intent(1))
            options.verified = try stranger.checkpoint()
            #expect(!ledger.verify(options: options).ok)
        }
    }

    /// Earlier versions had other derived tables: their record is verified, and the next command makes them again.
    @Test(arguments: [1, 2]) func aLedgerOfAnEarlierVersionIsVerifiedAndGoesOn(version: Int) throws {
        try withScratch { home in
            let path = try Self.make(home)
            let ledger = try Ledger.openReadOnly(at: path)
            let (filter, output) = (RunFilter(), Fixture.digest("sepal,petal\n"))
            let found = try ledger.entries(naming: output).map(\.leafIndex)
            let runs = try ledger.runs(matching: filter)
            let former = [
                """
                CREATE TABLE artifacts (
                    leaf_index INTEGER NOT NULL,
                    position INTEGER NOT NULL,
                    role TEXT NOT NULL,
                    name TEXT NOT NULL,
                    digest TEXT NOT NULL,
                    PRIMARY KEY (leaf_index, position)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX artifacts_by_digest ON artifacts (digest, leaf_index);
                INSERT INTO artifacts SELECT leaf_index, row_number() OVER (PARTITION BY leaf_index), role, '', term FROM old;
                """,
                """
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
                INSERT INTO terms SELECT term, role, leaf_index, position FROM old;
                """,
            ]
            let made = try Self.sql(
                path,
                """
                DROP VIEW artifacts; CREATE TEMP TABLE old AS SELECT * FROM terms;
                DROP VIEW terms; DROP TABLE part_terms; DROP TABLE term_parts; \(former[version - 1])
                PRAGMA user_version = \(version); PRAGMA wal_checkpoint(TRUNCATE);
                """)
            #expect(made.status == 0, "\(made.stderr)")
            let before = Ledger.verify(file: path)
            #expect(before.ok && before.notProved.contains { $0.contains("version \(version)") }, "\(before.problems)")
            let opened = try Ledger.open(at: path, keys: home.appending("keys"))
            #expect(opened.verify().ok)
            #expect(!found.isEmpty)
            #expect(try opened.entries(naming: output).map(\.leafIndex) == found)
            #expect(try opened.runs(matching: filter) == runs)
            try opened.append(Fixture.intent(1000))
            #expect(opened.verify().ok)
        }
    }

    @Test func aDamagedFileIsReportedAndNeverTakesTheProcessDown() throws {
        try withScratch { home in
            let path = try Self.make(home)
            let original = try Data(contentsOf: URL(fileURLWithPath: path.string))
            let dump = try Self.read(path)
            let file = home.appending("damaged.sqlite")
            func report(_ bytes: Data) throws -> VerificationReport {
                try Self.write(bytes, file)
                return Ledger.verify(file: file)
            }
            for count in [0, 1, 99, 100, 4096, 5000, original.count / 2] {
                try #expect(!report(original.prefix(count)).ok, "the first \(count) bytes")
            }
            try #expect(!report(Data("not a database at all, but long enough to look at".utf8)).ok)
            // The oracle: what sqlite3 reads is the same, or the verification says that it is not.
            let flips = Int(ProcessInfo.processInfo.environment["IBID_FLIPS"] ?? "") ?? 80
            var changed = 0
            for _ in 0..<flips {
                var damaged = original
                let position = Int.random(in: 0..<damaged.count)
                damaged[position] ^= 1 << UInt8.random(in: 0..<8)
                let ok = try report(damaged).ok
                let same = try Self.read(file) == dump
                if !same { changed += 1 }
                #expect(same || !ok, "the flip at byte \(position) changed what is read and was not found")
            }
            #expect(changed > flips / 10)
        }
    }
}
