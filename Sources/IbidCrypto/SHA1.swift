import COpenSSL
import IbidModel

/// SHA-1 over a stream of bytes, for the forms of others (git objects, Java's keystores): nothing of Ibid's own rests on it.
public struct SHA1Hasher: ~Copyable {
    private let context: OpaquePointer

    /// Starts a computation.
    public init() { context = DigestContext.new(EVP_sha1(), "SHA-1") }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        EVP_DigestUpdate(context, base, bytes.count)
    }

    /// Adds bytes.
    public mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// Ends the computation and gives its 20 bytes.
    public consuming func finish() -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 20)
        EVP_DigestFinal_ex(context, &output, nil)
        return output
    }
}
