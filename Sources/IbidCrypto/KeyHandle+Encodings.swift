import COpenSSL
import IbidModel

/// The encodings of the two kinds of keys that Ibid has, known by their first bytes (RFC 5480, RFC 5915, RFC 8410).
///
/// OpenSSL reads them too, and everything else: finding out how takes it longer than a signature. What is not encoded
/// in exactly this way is left to it.
extension KeyHandle {
    private static let p256Public = known("3059301306072a8648ce3d020106082a8648ce3d030107034200")
    private static let p256Private = known(
        "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
    private static let p256Point = known("a144034200")
    private static let ed25519Public = known("302a300506032b6570032100")
    private static let ed25519Private = known("302e020100300506032b657004220420")

    private static func known(_ hex: String) -> [UInt8] { Hex.decode(hex) ?? [] }

    /// A public key in one of these encodings.
    static func knownPublicKey(_ spki: [UInt8]) -> KeyHandle? {
        if spki.count == 91, spki.starts(with: p256Public) {
            return KeyHandle(adopting: p256(point: Array(spki.suffix(65))), spki: spki)
        }
        guard spki.count == 44, spki.starts(with: ed25519Public) else { return nil }
        return KeyHandle(
            adopting: EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, Array(spki.suffix(32)), 32), spki: spki)
    }

    /// A private key in one of these encodings.
    static func knownPrivateKey(_ pkcs8: [UInt8]) -> KeyHandle? {
        let scalarEnd = p256Private.count + 32
        if pkcs8.count == scalarEnd + p256Point.count + 65, pkcs8.starts(with: p256Private),
            pkcs8[scalarEnd...].starts(with: p256Point)
        {
            let point = Array(pkcs8.suffix(65))
            let scalar = Array(pkcs8[p256Private.count..<scalarEnd])
            return KeyHandle(adopting: p256(point: point, scalar: scalar), spki: p256Public + point)
        }
        guard pkcs8.count == 48, pkcs8.starts(with: ed25519Private) else { return nil }
        let pointer = EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, Array(pkcs8.suffix(32)), 32)
        var (raw, count) = ([UInt8](repeating: 0, count: 32), 32)
        guard let pointer, EVP_PKEY_get_raw_public_key(pointer, &raw, &count) == 1, count == 32 else {
            EVP_PKEY_free(pointer)
            return KeyHandle(adopting: nil)
        }
        return KeyHandle(adopting: pointer, spki: ed25519Public + raw)
    }

    /// - Parameters:
    ///   - point: the public key: 65 bytes, uncompressed. OpenSSL refuses one that is not on the curve.
    ///   - scalar: the private key, 32 bytes, most significant first.
    private static func p256(point: [UInt8], scalar: [UInt8]? = nil) -> OpaquePointer? {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        // A parameter points to its name: texts that are there as long as the program.
        func name(_ text: StaticString) -> UnsafePointer<CChar> {
            UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
        }
        var (group, point) = (Array("P-256".utf8CString), point)
        // Numbers have the machine's own order of bytes.
        var number = Array((scalar ?? []).reversed())
        var pointer: OpaquePointer?
        let selection = OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS
        let made = group.withUnsafeMutableBufferPointer { group in
            point.withUnsafeMutableBufferPointer { point in
                number.withUnsafeMutableBufferPointer { number in
                    var parameters = [
                        OSSL_PARAM_construct_utf8_string(name("group"), group.baseAddress, 0),
                        OSSL_PARAM_construct_octet_string(name("pub"), point.baseAddress, point.count),
                    ]
                    if scalar != nil {
                        let bytes = UnsafeMutableRawPointer(number.baseAddress)?.assumingMemoryBound(to: UInt8.self)
                        parameters.append(OSSL_PARAM_construct_BN(name("priv"), bytes, number.count))
                    }
                    parameters.append(OSSL_PARAM_construct_end())
                    return EVP_PKEY_fromdata_init(context) == 1
                        && EVP_PKEY_fromdata(
                            context, &pointer,
                            scalar == nil ? selection : selection | OSSL_KEYMGMT_SELECT_PRIVATE_KEY, &parameters) == 1
                }
            }
        }
        return made ? pointer : nil
    }
}
