import CSQLite

/// One row of an answer. Anybody may have edited the file: a column of another type than the one asked for answers nil.
struct Row {
    private enum Value {
        case null
        case integer(Int64)
        case text(String)
        case blob([UInt8])
    }

    private let values: [Value]

    fileprivate init(_ statement: OpaquePointer) {
        values = (0..<sqlite3_column_count(statement)).map { column in
            switch sqlite3_column_type(statement, column) {
            case SQLITE_INTEGER: .integer(sqlite3_column_int64(statement, column))
            case SQLITE_TEXT: .text(String(decoding: Self.bytes(statement, column), as: UTF8.self))
            case SQLITE_BLOB: .blob(Array(Self.bytes(statement, column)))
            default: .null
            }
        }
    }

    private static func bytes(_ statement: OpaquePointer, _ column: Int32) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, column)))
    }

    /// An integer.
    func integer(_ column: Int) -> Int64? { if case .integer(let number) = values[column] { number } else { nil } }

    /// Text.
    func text(_ column: Int) -> String? { if case .text(let text) = values[column] { text } else { nil } }

    /// The bytes of a BLOB; select TEXT as `CAST(… AS BLOB)`, so that bytes that are not UTF-8 arrive as they are.
    func bytes(_ column: Int) -> [UInt8]? { if case .blob(let bytes) = values[column] { bytes } else { nil } }

    // MARK: Asking

    /// The rows one after the other, as they are asked for.
    static func fetchCursor(_ statement: PreparedStatement, arguments: StatementArguments = []) throws -> RowCursor {
        try RowCursor(statement, arguments)
    }

    /// The same of a statement that is asked once.
    static func fetchCursor(_ db: Database, sql: String, arguments: StatementArguments = []) throws -> RowCursor {
        try RowCursor(db.makeStatement(sql: sql), arguments)
    }

    /// All rows.
    static func fetchAll(_ statement: PreparedStatement, arguments: StatementArguments = []) throws -> [Row] {
        let cursor = try fetchCursor(statement, arguments: arguments)
        var rows: [Row] = []
        while let row = try cursor.next() { rows.append(row) }
        return rows
    }

    /// The same of a statement that is asked once.
    static func fetchAll(_ db: Database, sql: String, arguments: StatementArguments = []) throws -> [Row] {
        try fetchAll(db.makeStatement(sql: sql), arguments: arguments)
    }

    /// The first row; nil when there is none.
    static func fetchOne(_ statement: PreparedStatement, arguments: StatementArguments = []) throws -> Row? {
        try fetchCursor(statement, arguments: arguments).next()
    }

    /// The same of a statement that is asked once.
    static func fetchOne(_ db: Database, sql: String, arguments: StatementArguments = []) throws -> Row? {
        try fetchOne(db.makeStatement(sql: sql), arguments: arguments)
    }
}

extension Database {
    /// The number that a question is answered with; nil when it is none.
    func integer(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64? {
        try Row.fetchOne(self, sql: sql, arguments: arguments)?.integer(0)
    }
}

/// Steps through the rows of a statement; when it goes, SQLite gives back what it holds for them.
final class RowCursor {
    private let statement: PreparedStatement
    private var isOver = false

    fileprivate init(_ statement: PreparedStatement, _ arguments: StatementArguments) throws {
        self.statement = statement
        try statement.start(arguments)
    }

    deinit { statement.reset() }

    /// The next row; nil after the last.
    func next() throws -> Row? {
        // SQLite would begin again.
        if isOver { return nil }
        guard try statement.step() else {
            isOver = true
            return nil
        }
        return Row(statement.sqliteStatement)
    }
}
