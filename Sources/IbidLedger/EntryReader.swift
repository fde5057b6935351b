import CSQLite
import IbidModel

/// Reads entries in order, straight from SQLite into batches.
///
/// Unchecked: one thread at a time uses it, and with it the connection.
final class EntryReader: @unchecked Sendable {
    private typealias Pointer = OpaquePointer

    private let entries: PreparedStatement
    private let signedStart: [UInt8]
    private let image = Array("image".utf8)
    private var next: Int64 = 0
    private var ended = false
    /// What the indices should hold, as far as entries were read.
    private(set) var fingerprints = IndexFingerprints()

    init(_ db: Database) throws {
        entries = try db.makeStatement(sql: StoredEntry.query)
        let type = Statement.payloadType
        signedStart = Array("DSSEv1 \(type.utf8.count) \(type) ".utf8)
    }

    /// Fills a batch with the next entries; it stays empty after the last.
    func fill(_ batch: EntryBatch) {
        batch.removeAll()
        guard !ended else { return }
        do {
            while batch.rows.count < EntryBatch.entries, batch.count < EntryBatch.maximumBytes {
                guard try entries.step() else {
                    ended = true
                    return
                }
                let index = integer(entries.sqliteStatement, 0) ?? -1
                guard index == next else {
                    batch.problem = .init(what: "the entry after \(next - 1)", got: "\(index)", want: "\(next)")
                    ended = true
                    return
                }
                read(index, into: batch)
                next += 1
            }
        } catch {
            let message = (error as? DatabaseError)?.message ?? "\(error)"
            batch.problem = .init(what: "the entries from \(next) on", got: message, want: "readable")
            ended = true
        }
    }

    private func read(_ index: Int64, into batch: EntryBatch) {
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
        batch.rows.append(entry)
        addFingerprints(entry, batch.bytes)
    }

    // As the indices of `Schema` are defined.
    private func addFingerprints(_ entry: EntryBatch.Row, _ bytes: UnsafeRawBufferPointer) {
        func value(_ column: EntryBatch.Column) -> UnsafeRawBufferPointer { .init(rebasing: bytes[column.range]) }
        if entry.event.1.isThere { fingerprints.eventsByRun.add(value(entry.event.1), entry.index) }
        if value(entry.event.0).elementsEqual(image) {
            fingerprints.eventsByImage.add(value(entry.event.2), entry.index)
        }
        if entry.opens == 1 {
            fingerprints.eventsOpening.add(UnsafeRawBufferPointer(start: nil, count: 0), entry.index)
        }
    }

    private func integer(_ statement: Pointer, _ column: Int32) -> Int64? {
        let value = RowValue(statement, column, SQLITE_INTEGER)
        return value.isOfType ? value.integer : nil
    }

    private func copy(_ statement: Pointer, _ column: Int32, _ type: Int32, _ batch: EntryBatch) -> EntryBatch.Column {
        let value = RowValue(statement, column, type)
        guard value.isOfType else { return EntryBatch.Column() }
        let bytes = value.bytes
        return EntryBatch.Column(
            start: batch.append(bytes.baseAddress, count: bytes.count), count: Int32(bytes.count))
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
