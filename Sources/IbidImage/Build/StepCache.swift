import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// What steps did, by everything they depend on. The same key never runs twice.
struct StepCache {
    /// What a step gave.
    struct Record: Codable {
        /// The layer; nil when nothing changed.
        var layer: OCI.Descriptor?
        /// What it asked the gateway for.
        var requests: [ImageLock.Request]
    }

    /// Where temporary files of steps are made.
    var scratch: FilePath { directory.appending("scratch") }

    private let directory: FilePath
    private let store: Store

    init(directory: FilePath, store: Store) {
        self.directory = directory
        self.store = store
    }

    /// The record of a key whose layer is still in the store.
    func record(_ key: Digest) throws -> Record? {
        guard let bytes = try readIfPresent(directory.appending(key.hex)),
            // A record of another form is no record.
            let record = try? CanonicalJSON.decode(Record.self, from: bytes)
        else { return nil }
        if let layer = record.layer, !store.contains(layer.digest) { return nil }
        return record
    }

    /// Keeps a record. Blobs it names are on disk before.
    func keep(_ record: Record, as key: Digest) throws {
        try makeDirectories(directory, mode: 0o755)
        // What a power failure leaves of it is no record, and the work is done again.
        try writeAtomically(try CanonicalJSON.encode(record), to: directory.appending(key.hex), durable: false)
    }

    /// Runs the body while no other process works on the same key: the second of two builds waits for the first and
    /// then finds its record.
    func alone<T>(_ key: Digest, _ body: () throws -> T) throws -> T {
        try makeDirectories(directory, mode: 0o755)
        // A few thousand locks at most: their files stay, and two steps rarely share one.
        let lock = try FileLock(directory.appending(".lock-\(key.hex.prefix(3))"))
        defer { lock.release() }
        return try body()
    }

    /// A key: the digest of a canonical description.
    static func key(_ description: JSONValue) -> Digest { Digest.sha256(of: CanonicalJSON.bytes(description)) }
}
