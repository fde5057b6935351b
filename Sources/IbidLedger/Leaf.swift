import IbidCrypto
import IbidModel

/// The entry of the log that stands for an envelope: a Rekor v2 `hashedrekord` 0.0.2 body.
///
/// It holds the digest of what was signed, the signature and the key, so the log leaks no names, and verifiers made
/// for Rekor can check it.
enum Leaf {
    // Keys in order, values in base 64: written by hand, because verification does this for every entry.
    /// What stands before the digest of what was signed.
    static let start = Array(
        #"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":""#
            .utf8)
    /// What stands between the digest and the signature.
    static let middle = Array(#""},"signature":{"content":""#.utf8)

    /// What stands after the signature.
    static func end(key: P256.PublicKey) -> [UInt8] {
        Array(
            """
            ","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"\(Base64.encode(key.spki))"}}}}}}
            """.utf8)
    }

    /// The canonical bytes (RFC 8785).
    static func bytes(of envelope: Envelope, key: P256.PublicKey) -> [UInt8] {
        let digest = Base64.encode(SHA256.hash(envelope.preAuthentication))
        return start + Array(digest.utf8) + middle + Array(Base64.encode(envelope.signature).utf8) + end(key: key)
    }
}
