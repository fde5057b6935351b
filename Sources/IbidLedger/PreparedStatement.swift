import CSQLite

/// What takes the place of `?` in a statement, in order; nil is NULL.
typealias StatementArguments = [(any StatementArgument)?]

/// A value that SQLite stores.
protocol StatementArgument {
    /// Puts it in the place of one `?`, counted from 1, and gives SQLite's result code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32
}

/// SQLite keeps a copy of its own.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension Int64: StatementArgument {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 { sqlite3_bind_int64(statement, index, self) }
}

extension Int: StatementArgument {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int64(statement, index, Int64(self))
    }
}

extension String: StatementArgument {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), transient)
            }
        }
    }
}

extension [UInt8]: StatementArgument {
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        isEmpty
            ? sqlite3_bind_zeroblob(statement, index, 0)
            : sqlite3_bind_blob(statement, index, self, Int32(count), transient)
    }
}

/// One compiled SQL statement.
final class PreparedStatement {
    /// SQLite's handle.
    let sqliteStatement: OpaquePointer
    private let connection: OpaquePointer

    /// - Parameter isKept: whether it will be used for long, so that SQLite takes its memory from elsewhere.
    init(_ sql: String, _ db: Database, isKept: Bool = false) throws {
        var handle: OpaquePointer?
        let flags = isKept ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
        try db.check(sqlite3_prepare_v3(db.sqliteConnection, sql, -1, flags, &handle, nil))
        guard let handle else { throw DatabaseError(SQLITE_ERROR, message: "there is no statement in '\(sql)'") }
        (sqliteStatement, connection) = (handle, db.sqliteConnection)
    }

    deinit { sqlite3_finalize(sqliteStatement) }

    /// Goes back before the first row, and puts other values in their places.
    func start(_ arguments: StatementArguments) throws {
        sqlite3_reset(sqliteStatement)
        guard arguments.count == Int(sqlite3_bind_parameter_count(sqliteStatement)) else {
            throw DatabaseError(SQLITE_RANGE, message: "a statement was given \(arguments.count) arguments")
        }
        for (index, argument) in arguments.enumerated() {
            let place = Int32(index + 1)
            let code = argument?.bind(to: sqliteStatement, at: place) ?? sqlite3_bind_null(sqliteStatement, place)
            guard code == SQLITE_OK else { throw DatabaseError(code, connection) }
        }
    }

    /// Goes to the next row; false after the last.
    func step() throws -> Bool {
        switch sqlite3_step(sqliteStatement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw DatabaseError(code, connection)
        }
    }

    /// Gives back what SQLite holds for the rows, such as its lock.
    func reset() { sqlite3_reset(sqliteStatement) }

    /// Runs it to its end.
    func execute(arguments: StatementArguments = []) throws {
        defer { reset() }
        try start(arguments)
        while try step() {}
    }
}
