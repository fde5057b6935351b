import IbidModel

/// Ed25519 (RFC 8032): the algorithm of checkpoints.
public enum Ed25519 {
    // SubjectPublicKeyInfo (RFC 8410): everything before the 32 bytes of the key.
    private static let spkiPrefix: [UInt8] = Hex.decode("302a300506032b6570032100") ?? []

    /// A public key.
    public struct PublicKey: Sendable, Hashable {
        /// The 32 bytes of RFC 8032.
        public let raw: [UInt8]
        private let handle: KeyHandle

        /// Wraps the 32 bytes of RFC 8032.
        ///
        /// - Throws: `malformed-key`.
        public init(raw: [UInt8]) throws {
            guard raw.count == 32, let handle = KeyHandle.publicKey(spki: Ed25519.spkiPrefix + raw) else {
                throw IbidError.malformedKey("the public key", want: "an Ed25519 key of 32 bytes")
            }
            self.raw = raw
            self.handle = handle
        }

        /// Reads PEM (`BEGIN PUBLIC KEY`).
        ///
        /// - Throws: `malformed-key`.
        public init(pem: String) throws {
            guard let der = PEM.decode(pem, label: "PUBLIC KEY"), der.count == 44, der.starts(with: Ed25519.spkiPrefix)
            else { throw IbidError.malformedKey("the public key", want: "an Ed25519 key in PEM") }
            try self.init(raw: Array(der.suffix(32)))
        }

        /// DER SubjectPublicKeyInfo, 44 bytes.
        public var spki: [UInt8] { Ed25519.spkiPrefix + raw }

        /// PEM (`BEGIN PUBLIC KEY`), as OpenSSL writes it.
        public var pem: String { PEM.encode(spki, label: "PUBLIC KEY") }

        /// Whether a signature of 64 bytes is this key's over the message; false for a malformed one.
        public func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
            signature.count == 64 && handle.isValid(signature, for: message, hash: nil)
        }

        /// Keys are equal when their bytes are.
        public static func == (left: PublicKey, right: PublicKey) -> Bool { left.raw == right.raw }
        /// Hashes the bytes.
        public func hash(into hasher: inout Hasher) { hasher.combine(raw) }
    }

    /// A private key.
    public struct PrivateKey: Sendable {
        /// The public half.
        public let publicKey: PublicKey
        private let handle: KeyHandle

        /// Makes a new key from OpenSSL's random generator.
        public init() throws { try self.init(handle: KeyHandle.generate("ED25519")) }

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
            let spki = try handle.spki()
            guard spki.count == 44, spki.starts(with: Ed25519.spkiPrefix) else {
                throw IbidError.malformedKey("the private key", want: "an Ed25519 key")
            }
            self.handle = handle
            publicKey = try PublicKey(raw: Array(spki.suffix(32)))
        }

        /// PEM (`BEGIN PRIVATE KEY`).
        public func pem() throws -> String { PEM.encode(try handle.pkcs8(), label: "PRIVATE KEY") }

        /// Signs a message: 64 bytes, the same each time.
        public func sign(_ message: [UInt8]) throws -> [UInt8] { try handle.sign(message, hash: nil) }
    }
}
