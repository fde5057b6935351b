import CSQLite

/// A SQLite database in memory, read-only. The bytes are an analysis' own, so nothing that its schema defines is
/// trusted, and what takes too long is given up.
final class SQLiteFile {
    /// A value of a row.
    enum Value: Hashable {
        case null
        case integer(Int64)
        case number(Double)
        case text(String)
        case blob([UInt8])

        var text: String {
            switch self {
            case .null: "NULL"
            case .integer(let value): "\(value)"
            case .number(let value): "\(value)"
            case .text(let text): text
            case .blob(let bytes):
                "\(bytes.count) bytes "
                    + bytes.prefix(24).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                    + (bytes.count > 24 ? "… #\(Zlib.crc(bytes))" : "")
            }
        }
    }

    private let handle: OpaquePointer

    init(_ bytes: [UInt8]) throws(Unreadable) {
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX
        guard sqlite3_open_v2(":memory:", &opened, flags, nil) == SQLITE_OK, let opened,
            let copy = sqlite3_malloc64(UInt64(bytes.count))
        else {
            sqlite3_close_v2(opened)
            throw Unreadable(reason: "there is no memory for it")
        }
        handle = opened
        let memory = copy.assumingMemoryBound(to: UInt8.self)
        memory.initialize(from: bytes, count: bytes.count)
        // A database in memory has no write-ahead log; what its file holds is all that is compared here.
        if bytes.count > 19 { (memory[18], memory[19]) = (1, 1) }
        let size = Int64(bytes.count)
        let use = UInt32(SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY)
        guard sqlite3_deserialize(handle, "main", memory, size, size, use) == SQLITE_OK else {
            throw Unreadable(reason: "it is no SQLite database")
        }
        _ = sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 64 << 20)
        for setting in ["trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "temp_store = MEMORY"] {
            sqlite3_exec(handle, "PRAGMA \(setting)", nil, nil, nil)
        }
        // After this many steps of its virtual machine the query in progress is interrupted: some seconds.
        sqlite3_progress_handler(handle, 1_000_000_000, { _ in 1 }, nil)
    }

    deinit { sqlite3_close_v2(handle) }

    private var problem: Unreadable { Unreadable(reason: String(cString: sqlite3_errmsg(handle))) }

    /// What the schema defines: kind, name, whether it has rows of its own, and the text that defines it.
    func schema() throws(Unreadable) -> [(kind: String, name: String, hasRows: Bool, text: String)] {
        let query = try SQLiteQuery(
            self, "SELECT type, name, rootpage, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^'")
        var objects: [(kind: String, name: String, hasRows: Bool, text: String)] = []
        while let row = try query.next() {
            guard objects.count < 10_000 else { throw Unreadable(reason: "its schema is too large") }
            let root: Int64 = if case .integer(let page) = row[2] { page } else { 0 }
            let kind = row[0].text
            objects.append((kind, row[1].text, kind == "table" && root > 0, row[3].text))
        }
        return objects
    }

    /// All rows of a table, in the order in which they lie.
    func rows(of table: String) throws(Unreadable) -> SQLiteQuery {
        let name = table.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        return try SQLiteQuery(self, "SELECT * FROM \"\(name)\" NOT INDEXED")
    }

    fileprivate func prepare(_ text: String) throws(Unreadable) -> OpaquePointer {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, text, -1, &statement, nil) == SQLITE_OK, let statement else { throw problem }
        return statement
    }

    /// Rows one after another.
    final class SQLiteQuery {
        private let file: SQLiteFile
        private let statement: OpaquePointer
        let columns: [String]

        fileprivate init(_ file: SQLiteFile, _ text: String) throws(Unreadable) {
            let statement = try file.prepare(text)
            (self.file, self.statement) = (file, statement)
            columns = (0..<sqlite3_column_count(statement)).map { index in
                sqlite3_column_name(statement, index).map { String(cString: $0) } ?? ""
            }
        }

        deinit { sqlite3_finalize(statement) }

        /// The next row; nil at the end.
        func next() throws(Unreadable) -> [Value]? {
            switch sqlite3_step(statement) {
            case SQLITE_DONE: return nil
            case SQLITE_ROW: return (0..<Int32(columns.count)).map { value($0) }
            case SQLITE_INTERRUPT: throw Unreadable(reason: "reading it takes too long")
            default: throw file.problem
            }
        }

        private func value(_ column: Int32) -> Value {
            func bytes() -> [UInt8] {
                guard let start = sqlite3_column_blob(statement, column) else { return [] }
                return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
            }
            switch sqlite3_column_type(statement, column) {
            case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
            case SQLITE_FLOAT: return .number(sqlite3_column_double(statement, column))
            case SQLITE_TEXT:
                // In UTF-8, whatever the database is kept in; what is none stays as bytes.
                guard let start = sqlite3_column_text(statement, column) else { return .text("") }
                let count = Int(sqlite3_column_bytes(statement, column))
                let text = Array(UnsafeBufferPointer(start: start, count: count))
                return String(validating: text, as: UTF8.self).map { .text($0) } ?? .blob(text)
            case SQLITE_BLOB: return .blob(bytes())
            default: return .null
            }
        }
    }
}

extension Tally {
    /// Compares two databases table by table and row by row; how pages are laid out has no say.
    static func sqlite(_ old: [UInt8], _ new: [UInt8], _ tolerance: Tolerance) throws(Unreadable) -> Tally {
        let before = try SQLiteFile(old)
        let after = try SQLiteFile(new)
        var tally = Tally(tolerance)
        let (olds, news) = (try before.schema(), try after.schema())
        for object in olds {
            let shown = "\(object.kind) \(clip(object.name, 40))"
            let other = news.first { $0.name.utf8.elementsEqual(object.name.utf8) && $0.kind == object.kind }
            guard let other else {
                tally.structure("\(shown) is gone")
                continue
            }
            guard other.text == object.text, other.hasRows == object.hasRows else {
                tally.structure("\(shown) is defined otherwise")
                continue
            }
            if object.hasRows {
                try tally.rows(try before.rows(of: object.name), try after.rows(of: object.name), in: shown)
            }
        }
        for object in news where !olds.contains(where: { $0.name == object.name && $0.kind == object.kind }) {
            tally.structure("\(object.kind) \(clip(object.name, 40)) is new")
        }
        return tally
    }

    private mutating func rows(
        _ old: SQLiteFile.SQLiteQuery, _ new: SQLiteFile.SQLiteQuery, in table: String
    ) throws(Unreadable) {
        let names = old.columns.map { "\(table), column \(Self.clip($0, 40))" }
        var row = 0
        while true {
            let (left, right) = (try old.next(), try new.next())
            guard let left, let right else {
                if left == nil && right == nil { return }
                var rows = row + 1
                while try (left == nil ? new.next() : old.next()) != nil { rows += 1 }
                return structure(
                    "\(table) has \(left == nil ? row : rows) rows, now \(right == nil ? row : rows)")
            }
            row += 1
            for (column, name) in names.enumerated() where column < left.count && column < right.count {
                let place = { "\(table), row \(row), column \(Self.clip(old.columns[column], 40))" }
                switch (left[column], right[column]) {
                case (.integer(let before), .integer(let after)):
                    integers(Int128(before), Int128(after), group: name, at: place())
                case (.number(let before), .number(let after)): numbers(before, after, group: name, at: place())
                case (let before, let after) where before == after: same()
                case (let before, let after): exact(before.text, after.text, group: name, at: place())
                }
            }
        }
    }
}
