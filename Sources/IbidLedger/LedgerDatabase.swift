import CSQLite
import Glibc
import IbidMerkle
import IbidModel
import SystemPackage

/// How the ledger's SQLite file is opened.
enum LedgerDatabase {
    /// Opens the ledger for appending, making file and keys when there are none.
    ///
    /// Under a lock file, because SQLite does not wait for the lock that switching to WAL takes. A crash leaves no
    /// file, an empty one (which the next call fills) or a whole one.
    static func open(_ path: FilePath, keys: FilePath) throws -> DatabaseQueue {
        if !path.removingLastComponent().isEmpty {
            try SmallFile.makePrivateDirectory(path.removingLastComponent())
        }
        return try FileLock.holding(FilePath(path.string + ".lock")) {
            try translating(path) { try openLocked(path, keys: keys) }
        }
    }

    private static func openLocked(_ path: FilePath, keys: FilePath) throws -> DatabaseQueue {
        // One connection: each reads the whole schema, and a command has few questions.
        let queue = try DatabaseQueue(path: path.string, prepare: distrust)
        try queue.writeWithoutTransaction { db in
            try requireDurability(db, path)
            let version = try db.integer("PRAGMA user_version") ?? 0
            guard version <= Schema.version else { throw IbidError.ledgerTooNew(path, version: Int(version)) }
            if version == 0 { try initialize(db, path, keys: keys) }
            if Schema.formerVersions.contains(version) {
                try db.inTransaction(.immediate) { try Schema.upgrade(db, from: version) }
            }
            guard try db.integer("PRAGMA application_id") == Schema.applicationID else {
                throw IbidError.ledgerDamaged(path, "it is the database of another program")
            }
        }
        return queue
    }

    /// Opens a file that may be damaged, foreign or not ours to write.
    static func openReadOnly(_ path: FilePath) throws -> DatabaseQueue {
        guard access(path.string, F_OK) == 0 else { throw IbidError.ledgerMissing(path) }
        return try translating(path) {
            let queue = try DatabaseQueue(path: path.string, isReadOnly: true, prepare: distrust)
            try queue.read { db in _ = try db.integer("PRAGMA schema_version") }
            return queue
        }
    }

    /// Whoever wrote the file, it runs nothing here: no function or virtual table that its schema names, no cell
    /// that leaves its page, no value larger than any statement.
    private static func distrust(_ db: Database) throws {
        try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        // Nor does a statement of ours change the file but through its tables.
        guard ibid_sqlite_defend(db.sqliteConnection) == SQLITE_OK else {
            throw DatabaseError(SQLITE_MISUSE, message: "SQLite has no defensive mode")
        }
        sqlite3_limit(db.sqliteConnection, SQLITE_LIMIT_LENGTH, 16 << 20)
    }

    /// Turns SQLite's errors into the ledger's.
    static func translating<T>(_ path: FilePath, _ body: () throws -> T) throws -> T {
        do { return try body() } catch let error as DatabaseError {
            switch error.code {
            case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_MISMATCH, SQLITE_CONSTRAINT, SQLITE_ERROR:
                throw IbidError.ledgerDamaged(path, error.message)
            case SQLITE_BUSY: throw IbidError.lockTimeout(path)
            case SQLITE_FULL: throw IbidError.system("write", path.string, String(cString: strerror(ENOSPC)))
            // What SQLite says when its shared memory cannot grow.
            case SQLITE_IOERR where isFull(path):
                throw IbidError.system("write", path.string, String(cString: strerror(ENOSPC)))
            default: throw IbidError.system("use", path.string, error.message)
            }
        }
    }

    private static func isFull(_ path: FilePath) -> Bool {
        var space = statvfs()
        return statvfs(path.string, &space) == 0 && UInt64(space.f_bavail) * UInt64(space.f_frsize) < 64 << 10
    }

    // NORMAL would lose the last commits with the power. Whoever closes the file last brings everything into it; the
    // write-ahead log then stays, with nothing in it, because a new one has to be made durable too. Until then it keeps its
    // length when it is begun anew, since the length of a file that grows waits for the disk as well; and 16 MiB go into
    // the file at once, in which the pages that each append changes are there once.
    private static func requireDurability(_ db: Database, _ path: FilePath) throws {
        let mode = try Row.fetchOne(db, sql: "PRAGMA journal_mode = WAL")?.text(0)
        try db.execute(
            sql: """
                PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 33554432
                """)
        let synchronous = try db.integer("PRAGMA synchronous")
        var persistent: Int32 = 1
        sqlite3_file_control(db.sqliteConnection, nil, SQLITE_FCNTL_PERSIST_WAL, &persistent)
        guard synchronous == 2, mode == "wal" else {
            throw IbidError.system("open", path.string, "SQLite does not keep it durable (synchronous, journal_mode)")
        }
    }

    private static func initialize(_ db: Database, _ path: FilePath, keys directory: FilePath) throws {
        guard try db.integer("SELECT count(*) FROM sqlite_schema") == 0 else {
            throw IbidError.ledgerDamaged(path, "it is a database, but not a ledger")
        }
        // Keys first: a ledger without keys is useless, keys without a ledger start one.
        let keys = try LedgerKeys.readOrCreate(in: directory)
        if let released = try ReleasedCheckpoint.read(in: directory) {
            throw IbidError.ledgerLost(path, origin: released.origin, size: released.size)
        }
        let identity = try LedgerIdentity(new: keys)
        try db.inTransaction(.immediate) {
            try Schema.create(db)
            try identity.insert(db)
        }
    }
}
