import COpenSSL
import IbidModel

/// One OpenSSL key, freed when its last holder lets go.
///
/// Unchecked: an `EVP_PKEY` that nobody changes any more may be used by several threads (openssl-threads(7)); every
/// operation makes a context of its own.
final class KeyHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    private let knownSPKI: [UInt8]?

    /// Takes over a reference; nil when OpenSSL gave none.
    ///
    /// - Parameter spki: its SubjectPublicKeyInfo, where that is known.
    init?(adopting pointer: OpaquePointer?, spki: [UInt8]? = nil) {
        guard let pointer else {
            ERR_clear_error()
            return nil
        }
        self.pointer = pointer
        knownSPKI = spki
    }

    deinit { EVP_PKEY_free(pointer) }

    /// A new key of an algorithm (`EC` with a group, `ED25519` without).
    static func generate(_ algorithm: String, group: String? = nil) throws -> KeyHandle {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, algorithm, nil) else {
            throw IbidError.crypto("make an \(algorithm) key")
        }
        defer { EVP_PKEY_CTX_free(context) }
        var pointer: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            group.map({ EVP_PKEY_CTX_set_group_name(context, $0) == 1 }) ?? true,
            EVP_PKEY_generate(context, &pointer) == 1, let handle = KeyHandle(adopting: pointer)
        else { throw IbidError.crypto("make an \(algorithm) key") }
        return handle
    }

    /// A public key from SubjectPublicKeyInfo; nil for anything else, trailing bytes included.
    static func publicKey(spki: [UInt8]) -> KeyHandle? {
        if let handle = knownPublicKey(spki) { return handle }
        return spki.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            guard let handle = KeyHandle(adopting: d2i_PUBKEY(nil, &cursor, bytes.count)),
                cursor == bytes.baseAddress.map({ $0 + bytes.count })
            else { return nil }
            return handle
        }
    }

    /// A private key from PKCS#8; nil for anything else.
    static func privateKey(pkcs8: [UInt8]) -> KeyHandle? {
        if let handle = knownPrivateKey(pkcs8) { return handle }
        return pkcs8.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            guard let info = d2i_PKCS8_PRIV_KEY_INFO(nil, &cursor, bytes.count) else {
                ERR_clear_error()
                return nil
            }
            defer { PKCS8_PRIV_KEY_INFO_free(info) }
            return KeyHandle(adopting: EVP_PKCS82PKEY(info))
        }
    }

    /// SubjectPublicKeyInfo.
    func spki() throws -> [UInt8] {
        if let knownSPKI { return knownSPKI }
        var output: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(pointer, &output)
        guard count > 0, let output else { throw IbidError.crypto("write a public key") }
        defer { CRYPTO_free(output, nil, 0) }
        return Array(UnsafeBufferPointer(start: output, count: Int(count)))
    }

    /// PKCS#8, not encrypted.
    func pkcs8() throws -> [UInt8] {
        guard let info = EVP_PKEY2PKCS8(pointer) else { throw IbidError.crypto("write a private key") }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        var output: UnsafeMutablePointer<UInt8>?
        let count = i2d_PKCS8_PRIV_KEY_INFO(info, &output)
        guard count > 0, let output else { throw IbidError.crypto("write a private key") }
        defer { CRYPTO_clear_free(output, Int(count), nil, 0) }
        return Array(UnsafeBufferPointer(start: output, count: Int(count)))
    }

    /// Signs a message; `hash` is nil for Ed25519, which brings its own.
    func sign(_ message: [UInt8], hash: OpaquePointer?) throws -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw IbidError.crypto("sign") }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 128)
        var count = signature.count
        guard EVP_DigestSignInit(context, nil, hash, nil, pointer) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1
        else { throw IbidError.crypto("sign") }
        return Array(signature.prefix(count))
    }

    /// A context that verifies signatures over digests; whoever asks for it frees it with `EVP_PKEY_CTX_free`.
    func verificationContext() -> OpaquePointer {
        guard let context = EVP_PKEY_CTX_new(pointer, nil), EVP_PKEY_verify_init(context) == 1 else {
            preconditionFailure("OpenSSL has no memory")
        }
        return context
    }

    /// Whether a signature is this key's over the message; false for a malformed one.
    func isValid(_ signature: [UInt8], for message: [UInt8], hash: OpaquePointer?) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, hash, nil, pointer) == 1,
            EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
        else {
            ERR_clear_error()
            return false
        }
        return true
    }
}
