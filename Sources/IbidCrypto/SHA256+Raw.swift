import COpenSSL

extension SHA256 {
    // Fetched once: the one-shot functions of OpenSSL 3 look the algorithm up by name on every call, which costs more
    // than the hash of 65 bytes.
    nonisolated(unsafe) private static let algorithm: OpaquePointer? = EVP_MD_fetch(nil, "SHA256", nil)

    /// Hashes bytes into 32 bytes that the caller provides: no allocation in Swift.
    @inline(__always)
    public static func hash(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
        let done = EVP_Digest(
            input.baseAddress, input.count, output.assumingMemoryBound(to: UInt8.self), nil, algorithm, nil)
        precondition(done == 1, "OpenSSL has no SHA-256")
    }
}

/// SHA-256 of one message after another, with one context for all: half the price of `SHA256.hash` for short messages.
public final class SHA256Reuse {
    private let context: OpaquePointer

    /// Makes the context.
    public init() { context = DigestContext.new(EVP_sha256(), "SHA-256") }

    deinit { EVP_MD_CTX_free(context) }

    /// Hashes bytes into 32 bytes that the caller provides.
    public func hash(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
        let done =
            EVP_DigestInit_ex(context, nil, nil) == 1
            && EVP_DigestUpdate(context, input.baseAddress, input.count) == 1
            && EVP_DigestFinal_ex(context, output.assumingMemoryBound(to: UInt8.self), nil) == 1
        precondition(done, "OpenSSL has no SHA-256")
    }
}
