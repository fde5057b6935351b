import IbidModel
import IbidStore
import SystemPackage

/// Whole builds by everything they depend on but their bases, which are compared when a record is found.
struct BuildCache {
    struct Record: Codable {
        var build: ImageBuild
        var manifest: OCI.Descriptor
        var layers: [Digest]
        /// What each name after FROM stood for.
        var bases: [String: Digest]
        /// Whether a lock said what it could use.
        var isLocked: Bool
    }

    let directory: FilePath
    let store: Store

    /// The record of a key whose blobs are all still in the store.
    func record(_ key: Digest) throws -> Record? {
        guard let bytes = try readIfPresent(directory.appending(key.hex)),
            // A record of another form is no record.
            let record = try? CanonicalJSON.decode(Record.self, from: bytes)
        else { return nil }
        let blobs =
            record.layers + [record.manifest.digest, record.build.recipe] + [record.build.lock].compactMap { $0 }
        return blobs.allSatisfy { store.contains($0) } ? record : nil
    }

    func keep(_ record: Record, as key: Digest) throws {
        try makeDirectories(directory, mode: 0o755)
        // What a power failure leaves of it is no record, and the work is done again.
        try writeAtomically(try CanonicalJSON.encode(record), to: directory.appending(key.hex), durable: false)
    }
}
