import Foundation
import GRDB
import IbidLedger
import IbidModel
import SystemPackage

import struct IbidModel.Statement

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
private struct BareTable {
    private let queue: DatabaseQueue

    init(_ path: FilePath, ledger: Ledger) throws {
        var configuration = Configuration()
        configuration.journalMode = .wal  // GRDB then sets synchronous to NORMAL; FULL below
        queue = try DatabaseQueue(path: path.string, configuration: configuration)
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA synchronous = FULL;
                    CREATE TABLE t (i INTEGER PRIMARY KEY, b TEXT NOT NULL) STRICT;
                    ATTACH ? AS ledger;
                    INSERT INTO t SELECT leaf_index, payload FROM ledger.statements;
                    DETACH ledger;
                    PRAGMA wal_checkpoint(TRUNCATE);
                    """, arguments: [ledger.path.string])
        }
    }

    func insert(_ statement: Statement) throws {
        let text = String(decoding: statement.canonicalBytes, as: UTF8.self)
        try queue.writeWithoutTransaction { db in
            try db.cachedStatement(sql: "INSERT INTO t (b) VALUES (?)").execute(arguments: [text])
        }
    }
}
