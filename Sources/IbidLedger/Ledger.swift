import IbidCrypto
public import IbidMerkle
public import IbidModel
import Synchronization
public import SystemPackage

/// Where an append put a statement.
public struct LedgerPosition: Hashable, Sendable, Codable {
    /// The entry's index, from zero.
    public var leafIndex: Int64
    /// The number of entries of the checkpoint that the append released.
    public var treeSize: Int64
    /// The root hash of that checkpoint.
    public var rootHash: Digest

    /// Makes a position.
    public init(leafIndex: Int64, treeSize: Int64, rootHash: Digest) {
        self.leafIndex = leafIndex
        self.treeSize = treeSize
        self.rootHash = rootHash
    }
}

/// An append-only log of signed statements in one SQLite file: a Merkle tree (RFC 6962) whose head is signed after
/// each append (C2SP checkpoint). Tamper-evident: see audit/LEDGER.md for what shows and what cannot.
///
/// Any number of threads and processes may use the same file.
public struct Ledger: Sendable {
    /// The SQLite file.
    public let path: FilePath
    let keysDirectory: FilePath?
    let database: DatabaseQueue
    let writer: DatabaseQueue?
    private let cachedSigner = Cache<LedgerSigner>()
    private let cachedNote = Cache<KnownCheckpoint>()

    /// Opens the ledger for reading and appending; makes it, and its keys, when there is none.
    ///
    /// - Parameters:
    ///   - path: the SQLite file.
    ///   - keys: the directory of the private keys; made for its owner alone.
    /// - Throws: `ledger-damaged`, `ledger-lost`, `ledger-too-new`, `key-lost`, `lock-timeout`, `system`.
    public static func open(at path: FilePath, keys: FilePath) throws -> Ledger {
        Ledger(path: path, keys: keys, writer: try LedgerDatabase.open(path, keys: keys))
    }

    /// Opens a ledger that is only looked at: it may be foreign, damaged, or lie where nothing can be written.
    ///
    /// - Throws: `ledger-missing`, `ledger-damaged`, `system`.
    public static func openReadOnly(at path: FilePath) throws -> Ledger {
        Ledger(path: path, reader: try LedgerDatabase.openReadOnly(path))
    }

    private init(path: FilePath, keys: FilePath, writer: DatabaseQueue) {
        self.path = path
        keysDirectory = keys
        database = writer
        self.writer = writer
    }

    private init(path: FilePath, reader: DatabaseQueue) {
        self.path = path
        keysDirectory = nil
        database = reader
        writer = nil
    }

    /// The number of entries.
    public func size() throws -> Int64 { try read { try LedgerHead.size($0) } }

    /// The name of the log, unique for all time.
    public func origin() throws -> String { try read { try LedgerIdentity($0).origin } }

    /// The public keys that the file names; whoever pins them took them from elsewhere.
    public func publicKeys() throws -> PinnedKeys {
        try read {
            let identity = try LedgerIdentity($0)
            return PinnedKeys(attestors: [identity.attestorKey], ledgers: [identity.ledgerKey])
        }
    }

    /// The newest signed checkpoint; nil while the ledger is empty.
    public func checkpoint() throws -> SignedNote? {
        try read { try LedgerHead.note($0, size: nil) }
    }

    /// Brings everything into the one file and closes it; nothing else may be asked of the ledger afterwards.
    public func close() throws {
        try LedgerDatabase.translating(path) {
            try writer?.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            try writer?.close()
        }
    }

    func read<T>(_ body: (Database) throws -> T) throws -> T {
        try LedgerDatabase.translating(path) { try database.read(body) }
    }

    /// The checkpoint that this process last released; it need not verify its own signature again.
    var lastReleased: KnownCheckpoint? {
        get { cachedNote.value.withLock { $0 } }
        nonmutating set { cachedNote.value.withLock { $0 = newValue } }
    }

    // Keys are read when the first statement is appended: who only reads the ledger needs none.
    func signer(_ directory: FilePath) throws -> LedgerSigner {
        try cachedSigner.value.withLock { cached in
            if let signer = cached { return signer }
            let keys = try LedgerKeys.read(in: directory)
            let identity = try read { try LedgerIdentity($0) }
            guard identity.attestorKey == keys.attestor.publicKey, identity.ledgerKey.key == keys.ledger.publicKey
            else { throw IbidError.keyMismatch(directory) }
            let signer = LedgerSigner(keys: keys, identity: identity)
            cached = signer
            return signer
        }
    }
}

/// What an append signs with: the identity of a ledger is written once, so it is read once.
struct LedgerSigner: Sendable {
    let keys: LedgerKeys
    let identity: LedgerIdentity
}

private final class Cache<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}
