import IbidCrypto
import IbidMerkle
import IbidModel
import SystemPackage

/// The two private keys of a home: one signs statements, the other signs checkpoints.
///
/// In the directory (0700): `attestor.key.pem` and `ledger.key.pem` (0600), `attestor.pub.pem` and `ledger.pub.pem`
/// for handing out, and `ledger.checkpoint`, the newest checkpoint that was released.
struct LedgerKeys: Sendable {
    let attestor: P256.PrivateKey
    let ledger: Ed25519.PrivateKey

    /// Reads both keys.
    ///
    /// - Throws: `key-lost` when one is missing, unreadable or no key.
    static func read(in directory: FilePath) throws -> LedgerKeys {
        func text(_ name: String) throws -> (FilePath, String) {
            let path = directory.appending(name)
            do {
                if case .text(let text) = try SmallFile.read(path) { return (path, text) }
            } catch let error as IbidError {
                throw IbidError.keyLost(path, error.message)
            }
            throw IbidError.keyLost(path, "it does not exist")
        }
        func key<Key>(_ name: String, _ parse: (String) throws -> Key) throws -> Key {
            let (path, pem) = try text(name)
            do { return try parse(pem) } catch { throw IbidError.keyLost(path, "it is no private key") }
        }
        return LedgerKeys(
            attestor: try key("attestor.key.pem") { try P256.PrivateKey(pem: $0) },
            ledger: try key("ledger.key.pem") { try Ed25519.PrivateKey(pem: $0) })
    }

    /// Reads both keys, making the ones that are missing.
    ///
    /// Of several processes that do this at once, one makes each key and all use it. A crash leaves a whole key or
    /// none.
    static func readOrCreate(in directory: FilePath) throws -> LedgerKeys {
        try SmallFile.makePrivateDirectory(directory)
        func create(_ name: String, _ make: () throws -> String) throws {
            let path = directory.appending(name)
            if case .missing = try SmallFile.read(path) { _ = try SmallFile.create(path, make(), mode: 0o600) }
        }
        try create("attestor.key.pem") { try P256.PrivateKey().pem() }
        try create("ledger.key.pem") { try Ed25519.PrivateKey().pem() }
        let keys = try read(in: directory)
        let copies = ["attestor.pub.pem": keys.attestor.publicKey.pem, "ledger.pub.pem": keys.ledger.publicKey.pem]
        for (name, pem) in copies { try SmallFile.replace(directory.appending(name), pem, mode: 0o644, durable: false) }
        return keys
    }
}
