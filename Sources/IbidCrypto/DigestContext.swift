import COpenSSL

/// Contexts of OpenSSL, in which digests are computed.
enum DigestContext {
    /// A context that has begun a digest; whoever asks for it frees it with `EVP_MD_CTX_free`.
    static func new(_ algorithm: OpaquePointer?, _ name: String) -> OpaquePointer {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, algorithm, nil) == 1 else {
            fatalError("OpenSSL has no \(name)")  // memory is exhausted or the library is broken: nothing can go on
        }
        return context
    }
}
