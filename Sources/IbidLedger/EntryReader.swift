import GRDB
import GRDBSQLite
import IbidModel

/// Reads entries and their artifacts in order, straight from SQLite into batches.
///
/// Unchecked: one thread at a time uses it, and with it the connection.
final class EntryReader: @unchecked Sendable {
    private typealias Pointer = OpaquePointer

    private let entries: GRDB.Statement
    private let artifacts: GRDB.Statement
    private let signedStart: [UInt8]
    private let image = Array("image".utf8)
    private var next: Int64 = 0
    private var ended = false
    /// The entry of the row at which `artifacts` stands, and the position in it; nil at the end.
    private var ahead: (index: Int64, position: Int64)?
    /// What the indices should hold, as far as entries were read.
    private(set) var fingerprints = IndexFingerprints()

    init(_ db: Database) throws {
        entries = try db.makeStatement(sql: StoredEntry.query)
        artifacts = try db.makeStatement(
            sql: "SELECT leaf_index, position, role, name, digest FROM artifacts ORDER BY leaf_index, position")
        let type = IbidModel.Statement.payloadType
        signedStart = Array("DSSEv1 \(type.utf8.count) \(type) ".utf8)
        try advance()
    }

    /// Fills a batch with the next entries; it stays empty after the last.
    func fill(_ batch: EntryBatch) {
        batch.removeAll()
        guard !ended else { return }
        do {
            while batch.rows.count < EntryBatch.entries, batch.count < EntryBatch.maximumBytes {
                guard try step(entries.sqliteStatement) else {
                    ended = true
                    return
                }
                let index = integer(entries.sqliteStatement, 0) ?? -1
                guard index == next else {
                    batch.problem = .init(what: "the entry after \(next - 1)", got: "\(index)", want: "\(next)")
                    ended = true
                    return
                }
                try read(index, into: batch)
                next += 1
            }
        } catch {
            let message = (error as? DatabaseError)?.message ?? "\(error)"
            batch.problem = .init(what: "the entries from \(next) on", got: message, want: "readable")
            ended = true
        }
    }

    private func read(_ index: Int64, into batch: EntryBatch) throws {
        let row = entries.sqliteStatement
        var entry = EntryBatch.Row(index: index)
        var zero: UInt8 = 0
        _ = batch.append(&zero, count: 1)
        entry.leaf = copy(row, 1, SQLITE_BLOB, batch)
        entry.leafHash = copy(row, 2, SQLITE_BLOB, batch)
        entry.payloadType = copy(row, 3, SQLITE_TEXT, batch)
        entry.signedStart = batch.append(signedStart, count: signedStart.count)
        appendDecimal(Int(sqlite3_column_bytes(row, 4)), batch)
        entry.payload = copy(row, 4, SQLITE_TEXT, batch)
        entry.keyID = copy(row, 5, SQLITE_TEXT, batch)
        entry.signature = copy(row, 6, SQLITE_BLOB, batch)
        entry.root = copy(row, 7, SQLITE_BLOB, batch)
        entry.note = copy(row, 8, SQLITE_TEXT, batch)
        entry.event = (
            copy(row, 9, SQLITE_TEXT, batch), copy(row, 10, SQLITE_TEXT, batch), copy(row, 11, SQLITE_TEXT, batch),
            copy(row, 12, SQLITE_TEXT, batch), copy(row, 13, SQLITE_TEXT, batch)
        )
        entry.opens = integer(row, 14)
        let first = batch.artifacts.count
        // Those of entries passed over belong to none.
        while let (place, _) = ahead, place <= index {
            if place == index { copyArtifact(index, batch) }
            try advance()
        }
        entry.artifacts = first..<batch.artifacts.count
        batch.rows.append(entry)
        addFingerprints(entry, batch.bytes)
    }

    // As the indices of `Schema` are defined.
    private func addFingerprints(_ entry: EntryBatch.Row, _ bytes: UnsafeRawBufferPointer) {
        func value(_ column: EntryBatch.Column) -> UnsafeRawBufferPointer { .init(rebasing: bytes[column.range]) }
        if entry.event.1.isThere { fingerprints.eventsByRun.add(value(entry.event.1), entry.index, 0) }
        if value(entry.event.0).elementsEqual(image) {
            fingerprints.eventsByImage.add(value(entry.event.2), entry.index, 0)
        }
        if entry.opens == 1 {
            fingerprints.eventsOpening.add(UnsafeRawBufferPointer(start: nil, count: 0), entry.index, 0)
        }
    }

    private func copyArtifact(_ index: Int64, _ batch: EntryBatch) {
        let row = artifacts.sqliteStatement
        let artifact = EntryBatch.Artifact(
            position: integer(row, 1) ?? -1, role: copy(row, 2, SQLITE_TEXT, batch),
            name: copy(row, 3, SQLITE_TEXT, batch), digest: copy(row, 4, SQLITE_TEXT, batch))
        fingerprints.artifactsByDigest.add(
            UnsafeRawBufferPointer(rebasing: batch.bytes[artifact.digest.range]), index, artifact.position)
        batch.artifacts.append(artifact)
    }

    private func advance() throws {
        let row = artifacts.sqliteStatement
        guard try step(row) else {
            ahead = nil
            return
        }
        let next = (index: integer(row, 0) ?? -1, position: integer(row, 1) ?? -1)
        // Out of order the table is damaged, and might lead back to itself for ever.
        guard (ahead ?? (-1, -1)) < next else {
            ahead = nil
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "the table of artifacts is not in order")
        }
        ahead = next
    }

    private func step(_ statement: Pointer) throws -> Bool {
        let code = sqlite3_step(statement)
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else {
            let message = sqlite3_errmsg(sqlite3_db_handle(statement)).map { String(cString: $0) }
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
        return false
    }

    private func integer(_ statement: Pointer, _ column: Int32) -> Int64? {
        sqlite3_column_type(statement, column) == SQLITE_INTEGER ? sqlite3_column_int64(statement, column) : nil
    }

    private func copy(_ statement: Pointer, _ column: Int32, _ type: Int32, _ batch: EntryBatch) -> EntryBatch.Column {
        guard sqlite3_column_type(statement, column) == type else { return EntryBatch.Column() }
        let bytes = sqlite3_column_blob(statement, column)
        let count = sqlite3_column_bytes(statement, column)
        return EntryBatch.Column(start: batch.append(bytes, count: Int(count)), count: count)
    }

    // The number and a space.
    private func appendDecimal(_ number: Int, _ batch: EntryBatch) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            var digit = UInt8(0x30 + number / divisor % 10)
            _ = batch.append(&digit, count: 1)
            divisor /= 10
        }
        var space = UInt8(ascii: " ")
        _ = batch.append(&space, count: 1)
    }
}
