import CSQLite
import Foundation
import IbidLedger
import IbidModel
import SystemPackage

extension LedgerBenchmark {
    /// Durable appends beside the least that SQLite can be asked for: the same statements, as text, into one plain table
    /// with as many rows as the ledger has entries; write-ahead log, `synchronous = FULL`, one transaction each, a
    /// prepared statement, SQLite's own settings else.
    ///
    /// In turns, a few at a time, so that whatever else the machine does befalls both. Enough of them that all that the
    /// ledger does only now and then is among them.
    static func compareAppends(_ ledger: Ledger, _ entries: Int, _ home: FilePath) throws {
        let bare = try BareTable(home.appending("bare.sqlite"), ledger: ledger)
        let statements = (0..<Sample.appended).map { Sample.statement(entries + $0) }
        var (bareCost, cost) = (Cost(wall: 0, cpu: 0), Cost(wall: 0, cpu: 0))
        var ratios: [Double] = []
        for start in stride(from: 0, to: statements.count, by: 64) {
            let some = statements[start..<start + 64]
            let (theirs, ours) = (
                try Self.cost { for statement in some { try bare.insert(statement) } },
                try Self.cost { for statement in some { try ledger.append(statement) } }
            )
            (bareCost, cost) = (bareCost + theirs, cost + ours)
            ratios.append(theirs.wall / ours.wall)
        }
        report("bare SQLite, one each, FULL", rate(statements.count, bareCost))
        report(
            "append, one each, FULL",
            rate(statements.count, cost)
                + String(
                    format: " (%.2f of bare; median of 64 each %.2f)", bareCost.wall / cost.wall,
                    ratios.sorted()[ratios.count / 2]))
    }
}

/// Nothing but a table of texts.
private final class BareTable {
    private var database: OpaquePointer?
    private var insertion: OpaquePointer?

    init(_ path: FilePath, ledger: Ledger) throws {
        try check(sqlite3_open(path.string, &database))
        try check(
            sqlite3_exec(
                database,
                """
                PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                CREATE TABLE t (i INTEGER PRIMARY KEY, b TEXT NOT NULL) STRICT;
                ATTACH '\(ledger.path.string.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'
                    AS ledger;
                INSERT INTO t SELECT leaf_index, payload FROM ledger.statements;
                DETACH ledger;
                PRAGMA wal_checkpoint(TRUNCATE);
                """, nil, nil, nil))
        try check(sqlite3_prepare_v2(database, "INSERT INTO t (b) VALUES (?)", -1, &insertion, nil))
    }

    deinit {
        sqlite3_finalize(insertion)
        sqlite3_close(database)
    }

    func insert(_ statement: Statement) throws {
        statement.canonicalBytes.withUnsafeBytes { bytes in
            // It stays where it is until the row is there.
            let start = bytes.bindMemory(to: CChar.self).baseAddress
            sqlite3_bind_text(insertion, 1, start, Int32(bytes.count), nil)
            sqlite3_step(insertion)
        }
        try check(sqlite3_reset(insertion))
    }

    private func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw IbidError("benchmark", String(cString: sqlite3_errmsg(database))) }
    }
}
