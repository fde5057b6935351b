import CSQLite
import Glibc

/// What the terms of each entry add up to, the rows of `part_terms`: the sum of their hashes, under a key that is new in each process.
///
/// An entry's statement says which rows there should be; one walk over the table, in its own order, takes them away
/// again. Where nothing is left, they are those; that needs no second index by entry, nor a search for each row.
struct TermSums {
    /// A sum of hashes of rows, in any order.
    struct Sum {
        fileprivate var value: UInt64 = 0

        /// Adds one row.
        @inline(__always)
        mutating func add(
            _ term: UnsafeRawBufferPointer, role: UnsafeRawBufferPointer, leafIndex: Int64, position: Int64
        ) {
            value &+= TermSums.hash(term, role, leafIndex, position)
        }

        /// Adds the rows that a statement asks for.
        mutating func add(_ facts: StatementFacts, leafIndex: Int64) {
            for term in facts.terms {
                var (text, role) = (term.text, term.role)
                text.withUTF8 { text in
                    role.withUTF8 {
                        add(.init(text), role: .init($0), leafIndex: leafIndex, position: Int64(term.position))
                    }
                }
            }
        }
    }

    private var sums: [UInt64] = []
    private var foreign = 0
    private var isOrdered = true
    /// Of how many first entries the table has the rows; it is written behind them.
    private(set) var covered: Int64 = 0

    /// Says what the next entry's rows should be.
    mutating func expect(_ sum: Sum) { sums.append(sum.value) }

    /// Whether `term_parts` is one row after another, each up to the end of its part and the last as far as the terms go.
    mutating func readParts(_ db: Database) throws -> Bool {
        let parts = try IbidLedger.Row.fetchCursor(db, sql: "SELECT part, upto FROM term_parts ORDER BY part")
        var next: Int64 = 0
        while let row = try parts.next() {
            guard row.integer(0) == next, let upto = row.integer(1), covered == next * Schema.partEntries,
                upto > covered, upto <= min(Int64(sums.count), (next + 1) * Schema.partEntries)
            else { return false }
            (covered, next) = (upto, next + 1)
        }
        return true
    }

    /// Walks over the table. SQLite finds a row by its order, so that has to be right all the way; the walk ends at the
    /// first row that is not, so that pages that lead back to themselves do not keep it.
    mutating func walk(_ db: Database) throws {
        for index in sums.indices.dropFirst(Int(covered)) { sums[index] = 0 }
        let rows = try db.makeStatement(
            sql: "SELECT part, term, role, leaf_index, position FROM part_terms ORDER BY 1, 2, 3, 4, 5")
        defer { sqlite3_reset(rows.sqliteStatement) }
        let row = rows.sqliteStatement
        var previous = Last()
        while true {
            let code = sqlite3_step(row)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw DatabaseError(code) }
            let columns = (
                RowValue(row, 0, SQLITE_INTEGER), RowValue(row, 1, SQLITE_TEXT), RowValue(row, 2, SQLITE_TEXT),
                RowValue(row, 3, SQLITE_INTEGER), RowValue(row, 4, SQLITE_INTEGER)
            )
            // What has another type has another place in the order, whatever it reads as.
            guard
                columns.0.isOfType && columns.1.isOfType && columns.2.isOfType && columns.3.isOfType
                    && columns.4.isOfType
            else {
                isOrdered = false
                return
            }
            let (part, leafIndex, position) = (columns.0.integer, columns.3.integer, columns.4.integer)
            let (term, role) = (columns.1.bytes, columns.2.bytes)
            guard previous.advance(part, term, role, leafIndex, position) else {
                isOrdered = false
                return
            }
            if leafIndex >= 0, leafIndex < Int64(sums.count), part == leafIndex / Schema.partEntries {
                sums[Int(leafIndex)] &-= Self.hash(term, role, leafIndex, position)
            } else {
                foreign += 1
            }
        }
    }

    /// What the walk found: whether the table is in order, how many rows belong to no entry of their part, and the entries
    /// whose rows are not what they should be.
    var found: (isOrdered: Bool, foreign: Int, wrong: [Int64]) {
        (isOrdered, foreign, isOrdered ? sums.indices.filter { sums[$0] != 0 }.map(Int64.init) : [])
    }

    /// The row before, to see that the next one comes after it.
    private struct Last {
        private var part: Int64 = -1
        private var term: [UInt8] = []
        private var role: [UInt8] = []
        private var place: (Int64, Int64) = (-1, -1)

        mutating func advance(
            _ nextPart: Int64, _ nextTerm: UnsafeRawBufferPointer, _ nextRole: UnsafeRawBufferPointer,
            _ leafIndex: Int64, _ position: Int64
        ) -> Bool {
            var order = part == nextPart ? 0 : part < nextPart ? -1 : 1
            part = nextPart
            if order == 0 { order = Self.compare(term, nextTerm) }
            if order != 0 { Self.replace(&term, nextTerm) }
            if order == 0 { order = Self.compare(role, nextRole) }
            if order != 0 { Self.replace(&role, nextRole) }
            defer { place = (leafIndex, position) }
            return order < 0 || order == 0 && place < (leafIndex, position)
        }

        private static func replace(_ bytes: inout [UInt8], _ next: UnsafeRawBufferPointer) {
            bytes.removeAll(keepingCapacity: true)
            bytes.append(contentsOf: next)
        }

        private static func compare(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Int {
            let common = min(left.count, right.count)
            if common > 0, let base = right.baseAddress {
                let order = memcmp(left, base, common)
                if order != 0 { return Int(order) }
            }
            return left.count - right.count
        }
    }

    @inline(__always)
    private static func hash(
        _ term: UnsafeRawBufferPointer, _ role: UnsafeRawBufferPointer, _ leafIndex: Int64, _ position: Int64
    ) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(leafIndex)
        hasher.combine(position)
        // How long the first is, so that no other two run together to the same bytes.
        hasher.combine(term.count)
        hasher.combine(bytes: term)
        hasher.combine(bytes: role)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }
}
