import COpenSSL
import CSignatures

/// Verifies many ECDSA P-256 signatures of one key, each exactly, in a sixth of the time that OpenSSL takes one by one.
///
/// The arithmetic is Ibid's own (see `csignatures.h`), so it only ever says "valid" or "not shown"; the latter goes to
/// OpenSSL, which has the last word. The tables take 3 MiB and 12 ms: worth it from some thousand signatures on.
///
/// Unchecked: the tables are not changed once they are made.
public final class P256Batch: @unchecked Sendable {
    private let tables: OpaquePointer

    /// Tabulates multiples of a key; nil when memory is short.
    public init?(key: P256.PublicKey) {
        // The point is what SubjectPublicKeyInfo ends with; OpenSSL has seen that it is on the curve.
        guard let tables = ibid_p256_tables_new(Array(key.spki.suffix(64))) else { return nil }
        self.tables = tables
    }

    deinit { ibid_p256_tables_free(tables) }

    /// Which signatures are shown to be valid: 1 for those, 0 for those that OpenSSL has to look at.
    ///
    /// - Parameters:
    ///   - digests: SHA-256 digests of the messages, 32 bytes each.
    ///   - bytes: where the DER signatures are.
    ///   - offsets: where in there each begins; `lengths`: how long it is.
    public func verify(digests: [UInt8], bytes: UnsafeRawBufferPointer, offsets: [UInt32], lengths: [UInt32]) -> [UInt8]
    {
        precondition(digests.count == 32 * offsets.count && offsets.count == lengths.count, "one of each")
        precondition(zip(offsets, lengths).allSatisfy { Int($0) + Int($1) <= bytes.count }, "within the bytes")
        var valid = [UInt8](repeating: 0, count: offsets.count)
        guard !valid.isEmpty, let start = bytes.baseAddress else { return valid }
        let done = ibid_p256_verify(
            tables, offsets.count, digests, start.assumingMemoryBound(to: UInt8.self), offsets, lengths, &valid)
        return done == 1 ? valid : [UInt8](repeating: 0, count: offsets.count)
    }

    /// x and y of a·G + b·Q for tests of the arithmetic; nil where a batch would leave it to OpenSSL.
    package func combine(_ a: [UInt8], _ b: [UInt8]) -> [UInt8]? {
        precondition(a.count == 32 && b.count == 32, "scalars have 32 bytes")
        var point = [UInt8](repeating: 0, count: 64)
        return ibid_p256_combine(tables, a, b, &point) == 1 ? point : nil
    }
}

/// Verifies many Ed25519 signatures of one key, in an eighth of the time that OpenSSL takes one by one; see `P256Batch`.
///
/// Unchecked: the tables are not changed once they are made.
public final class Ed25519Batch: @unchecked Sendable {
    private let tables: OpaquePointer
    private let key: [UInt8]

    /// Signatures to verify together.
    public struct Work {
        fileprivate var signatures: [UInt8] = []
        fileprivate var hashes: [UInt8] = []

        /// Nothing yet.
        public init() {}
    }

    /// Tabulates multiples of a key; nil when it is no point of the curve, or memory is short.
    public init?(key: Ed25519.PublicKey) {
        guard let tables = ibid_ed25519_tables_new(key.raw) else { return nil }
        (self.tables, self.key) = (tables, key.raw)
    }

    deinit { ibid_ed25519_tables_free(tables) }

    /// Adds a signature of 64 bytes over a message.
    public func add(_ signature: ArraySlice<UInt8>, message: UnsafeRawBufferPointer, to work: inout Work) {
        precondition(signature.count == 64, "an Ed25519 signature has 64 bytes")
        var hash = [UInt8](repeating: 0, count: 64)
        let context = DigestContext.new(EVP_sha512(), "SHA-512")
        defer { EVP_MD_CTX_free(context) }
        let done = signature.withUnsafeBytes { bytes in
            EVP_DigestUpdate(context, bytes.baseAddress, 32) == 1
                && EVP_DigestUpdate(context, key, 32) == 1
                && EVP_DigestUpdate(context, message.baseAddress, message.count) == 1
                && EVP_DigestFinal_ex(context, &hash, nil) == 1
        }
        precondition(done, "OpenSSL has no SHA-512")
        work.signatures += signature
        work.hashes += hash
    }

    /// Which signatures are shown to be valid, as `P256Batch.verify`.
    public func verify(_ work: Work) -> [UInt8] {
        let count = work.signatures.count / 64
        var valid = [UInt8](repeating: 0, count: count)
        guard count > 0 else { return valid }
        let done = ibid_ed25519_verify(tables, count, work.signatures, work.hashes, &valid)
        return done == 1 ? valid : [UInt8](repeating: 0, count: count)
    }
}
