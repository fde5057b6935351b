import CSQLite
import Synchronization

/// An SQLite file that threads of this process share over one connection: who comes second waits.
///
/// Unchecked: the lock gives the connection to one thread at a time.
final class DatabaseQueue: @unchecked Sendable {
    private let lock = Mutex(())
    private let database: Database

    /// Opens a file, or `:memory:`. Waits up to 30 seconds where another process has it.
    ///
    /// - Parameter prepare: what the connection is told before anything else.
    init(path: String, isReadOnly: Bool = false, prepare: (Database) throws -> Void = { _ in }) throws {
        database = try Database(path: path, isReadOnly: isReadOnly)
        try prepare(database)
    }

    /// Reads as of one moment, whatever others write meanwhile.
    func read<T>(_ body: (Database) throws -> T) throws -> T {
        try writeWithoutTransaction { db in try db.inTransaction(.deferred) { try body(db) } }
    }

    /// Writes all or nothing.
    func write<T>(_ body: (Database) throws -> T) throws -> T {
        try writeWithoutTransaction { db in try db.inTransaction(.immediate) { try body(db) } }
    }

    /// Has the connection to itself.
    func writeWithoutTransaction<T>(_ body: (Database) throws -> T) throws -> T {
        // The result need not be one that other threads may have, so it does not come out of the lock's own closure.
        var result: Result<T, any Error>?
        lock.withLock { _ in result = Result { try body(database) } }
        guard let result else { preconditionFailure("the lock runs its body") }
        return try result.get()
    }

    /// Closes the file; nothing may be asked of it afterwards.
    func close() throws { try writeWithoutTransaction { try $0.close() } }
}
