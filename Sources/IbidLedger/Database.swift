import CSQLite

/// One SQLite connection, for whoever has it from a `DatabaseQueue`.
///
/// A thin layer over SQLite's own interface: what it answers, it answers as the file has it.
final class Database {
    /// Who waits for whom when a transaction begins.
    enum TransactionKind: String {
        /// Nobody, until something is read.
        case deferred = "DEFERRED"
        /// Whoever else would write.
        case immediate = "IMMEDIATE"
    }

    /// SQLite's handle.
    let sqliteConnection: OpaquePointer
    private var cache: [String: PreparedStatement] = [:]
    private var isOpen = true

    init(path: String, isReadOnly: Bool) throws {
        var handle: OpaquePointer?
        let flags = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        // The queue's lock is the one that there is.
        let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let handle else {
            let error = handle.map { DatabaseError(code, $0) } ?? DatabaseError(code)
            sqlite3_close_v2(handle)
            throw error
        }
        sqliteConnection = handle
        sqlite3_busy_timeout(handle, 30_000)
        try execute(sql: "PRAGMA foreign_keys = ON")
    }

    deinit { if isOpen { sqlite3_close_v2(sqliteConnection) } }

    /// Closes it, and says what keeps it from being closed.
    func close() throws {
        cache = [:]
        try check(sqlite3_close(sqliteConnection))
        isOpen = false
    }

    /// Runs statements that take no arguments, one after the other.
    func execute(sql: String) throws { try check(sqlite3_exec(sqliteConnection, sql, nil, nil, nil)) }

    /// Runs one statement.
    func execute(sql: String, arguments: StatementArguments) throws {
        try makeStatement(sql: sql).execute(arguments: arguments)
    }

    /// Compiles a statement.
    func makeStatement(sql: String) throws -> PreparedStatement { try PreparedStatement(sql, self) }

    /// A statement that is compiled once; one caller at a time steps through its rows.
    func cachedStatement(sql: String) throws -> PreparedStatement {
        if let known = cache[sql] { return known }
        let statement = try PreparedStatement(sql, self, isKept: true)
        cache[sql] = statement
        return statement
    }

    /// Runs the body in a transaction, which is undone when the body throws.
    func inTransaction<T>(_ kind: TransactionKind, _ body: () throws -> T) throws -> T {
        try execute(sql: "BEGIN \(kind.rawValue)")
        do {
            let result = try body()
            try execute(sql: "COMMIT")
            return result
        } catch {
            // Some errors, such as a full disk, have undone it already. What cannot be undone now is when the file is
            // next opened: nothing of it was committed.
            if sqlite3_get_autocommit(sqliteConnection) == 0 { try? execute(sql: "ROLLBACK") }
            throw error
        }
    }

    /// - Throws: what SQLite says, unless the code says that all is well.
    func check(_ code: Int32) throws {
        guard code == SQLITE_OK else { throw DatabaseError(code, sqliteConnection) }
    }
}

/// What SQLite says is wrong.
struct DatabaseError: Error, Hashable, CustomStringConvertible {
    /// The result code (`SQLITE_…`), without what extends it.
    let code: Int32
    /// SQLite's words.
    let message: String

    /// An error with words of our own, or those that SQLite has for the code.
    init(_ code: Int32, message: String? = nil) {
        self.code = code & 0xff
        self.message = message ?? String(cString: sqlite3_errstr(code))
    }

    /// The newest error of a connection.
    init(_ code: Int32, _ connection: OpaquePointer) {
        self.init(code, message: String(cString: sqlite3_errmsg(connection)))
    }

    var description: String { "SQLite error \(code): \(message)" }
}
