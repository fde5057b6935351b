import GRDB
import GRDBSQLite
import Glibc

/// What the rows of `terms` of each entry add up to: the sum of their hashes, under a key that is new in each process.
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

    /// Says what the next entry's rows should be.
    mutating func expect(_ sum: Sum) { sums.append(sum.value) }

    /// Walks over the table. SQLite finds a row by its order, so that has to be right all the way; the walk ends at the
    /// first row that is not, so that pages that lead back to themselves do not keep it.
    mutating func walk(_ db: Database) throws {
        let rows = try db.makeStatement(
            sql: "SELECT term, role, leaf_index, position FROM terms ORDER BY 1, 2, 3, 4")
        defer { sqlite3_reset(rows.sqliteStatement) }
        let row = rows.sqliteStatement
        var previous = Row()
        while true {
            let code = sqlite3_step(row)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw DatabaseError(resultCode: ResultCode(rawValue: code)) }
            let (term, role) = (Self.bytes(row, 0), Self.bytes(row, 1))
            let (leafIndex, position) = (sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3))
            guard previous.advance(term, role, leafIndex, position) else {
                isOrdered = false
                return
            }
            if sums.indices.contains(Int(leafIndex)) {
                sums[Int(leafIndex)] &-= Self.hash(term, role, leafIndex, position)
            } else {
                foreign += 1
            }
        }
    }

    /// What the walk found: whether the table is in order, how many rows belong to no entry, and the entries whose rows
    /// are not what they should be.
    var found: (isOrdered: Bool, foreign: Int, wrong: [Int64]) {
        (isOrdered, foreign, isOrdered ? sums.indices.filter { sums[$0] != 0 }.map(Int64.init) : [])
    }

    /// The row before, to see that the next one comes after it.
    private struct Row {
        private var term: [UInt8] = []
        private var role: [UInt8] = []
        private var place: (Int64, Int64) = (-1, -1)

        mutating func advance(
            _ nextTerm: UnsafeRawBufferPointer, _ nextRole: UnsafeRawBufferPointer, _ leafIndex: Int64,
            _ position: Int64
        ) -> Bool {
            var order = Self.compare(term, nextTerm)
            if order != 0 { term = Array(nextTerm) }
            if order == 0 { order = Self.compare(role, nextRole) }
            if order != 0 { role = Array(nextRole) }
            defer { place = (leafIndex, position) }
            return order < 0 || order == 0 && place < (leafIndex, position)
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

    private static func bytes(_ row: OpaquePointer, _ column: Int32) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_blob(row, column)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(row, column)))
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
