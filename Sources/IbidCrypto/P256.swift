import COpenSSL
import IbidModel

/// ECDSA on P-256 with SHA-256: the algorithm of DSSE envelopes.
public enum P256 {
    // SubjectPublicKeyInfo of a named-curve P-256 key with an uncompressed point: everything before its 64 bytes.
    private static let spkiPrefix: [UInt8] =
        Hex.decode("3059301306072a8648ce3d020106082a8648ce3d03010703420004") ?? []

    /// A public key.
    public struct PublicKey: Sendable, Hashable {
        /// DER SubjectPublicKeyInfo, 91 bytes: named curve, uncompressed point; other encodings are refused.
        public let spki: [UInt8]
        fileprivate let handle: KeyHandle

        /// Reads DER SubjectPublicKeyInfo.
        ///
        /// - Throws: `malformed-key` for another algorithm, curve or encoding, and for a point off the curve.
        public init(spki: [UInt8]) throws {
            guard spki.count == 91, spki.starts(with: P256.spkiPrefix), let handle = KeyHandle.publicKey(spki: spki)
            else { throw IbidError.malformedKey("the public key", want: "a P-256 key in SubjectPublicKeyInfo") }
            self.spki = spki
            self.handle = handle
        }

        /// Reads PEM (`BEGIN PUBLIC KEY`).
        ///
        /// - Throws: `malformed-key`.
        public init(pem: String) throws {
            guard let der = PEM.decode(pem, label: "PUBLIC KEY") else {
                throw IbidError.malformedKey("the public key", want: "PEM with one PUBLIC KEY block")
            }
            try self.init(spki: der)
        }

        /// PEM (`BEGIN PUBLIC KEY`), as OpenSSL writes it.
        public var pem: String { PEM.encode(spki, label: "PUBLIC KEY") }

        /// The key's name in envelopes: the SHA-256 of its SubjectPublicKeyInfo in hexadecimal.
        public var keyID: String { Digest.sha256(of: spki).hex }

        /// Whether a DER signature is this key's over the message; false for a malformed one.
        public func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
            handle.isValid(signature, for: message, hash: EVP_sha256())
        }

        /// Keys are equal when their encodings are.
        public static func == (left: PublicKey, right: PublicKey) -> Bool { left.spki == right.spki }
        /// Hashes the encoding.
        public func hash(into hasher: inout Hasher) { hasher.combine(spki) }
    }

    /// Verifies signatures of one key over digests that are known already, one after another in one context.
    ///
    /// Not for several threads at once.
    public final class DigestVerifier {
        private let key: PublicKey
        private let context: OpaquePointer

        /// Makes the context.
        public init(_ key: PublicKey) {
            self.key = key
            context = key.handle.verificationContext()
        }

        deinit { EVP_PKEY_CTX_free(context) }

        /// Whether a DER signature is the key's over a message with that SHA-256 digest; false for a malformed one.
        public func isValid(_ signature: UnsafeRawBufferPointer, digest: UnsafeRawBufferPointer) -> Bool {
            let (signature, digest) = (
                signature.assumingMemoryBound(to: UInt8.self), digest.assumingMemoryBound(to: UInt8.self)
            )
            if EVP_PKEY_verify(context, signature.baseAddress, signature.count, digest.baseAddress, digest.count) == 1 {
                return true
            }
            ERR_clear_error()
            return false
        }
    }

    /// A private key.
    public struct PrivateKey: Sendable {
        /// The public half.
        public let publicKey: PublicKey
        private let handle: KeyHandle

        /// Makes a new key from OpenSSL's random generator.
        public init() throws { try self.init(handle: KeyHandle.generate("EC", group: "P-256")) }

        /// Reads PEM (`BEGIN PRIVATE KEY`, PKCS#8, not encrypted).
        ///
        /// - Throws: `malformed-key`.
        public init(pem: String) throws {
            guard let der = PEM.decode(pem, label: "PRIVATE KEY"), let handle = KeyHandle.privateKey(pkcs8: der) else {
                throw IbidError.malformedKey("the private key", want: "PKCS#8 PEM")
            }
            try self.init(handle: handle)
        }

        private init(handle: KeyHandle) throws {
            self.handle = handle
            publicKey = try PublicKey(spki: handle.spki())
        }

        /// PEM (`BEGIN PRIVATE KEY`).
        public func pem() throws -> String { PEM.encode(try handle.pkcs8(), label: "PRIVATE KEY") }

        /// Signs a message: a DER signature, different each time.
        public func sign(_ message: [UInt8]) throws -> [UInt8] { try handle.sign(message, hash: EVP_sha256()) }
    }
}
