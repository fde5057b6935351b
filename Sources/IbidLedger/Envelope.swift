public import IbidCrypto
public import IbidModel

/// A signed payload in the form of DSSE v1.0, with exactly one signature and its key's name: the two things on which
/// stock verifiers insist.
public struct Envelope: Hashable, Sendable {
    /// The payload's media type.
    public var payloadType: String
    /// The bytes that are signed, never encoded again.
    public var payload: [UInt8]
    /// The signer's `P256.PublicKey.keyID`.
    public var keyID: String
    /// The DER signature over `preAuthentication`.
    public var signature: [UInt8]

    /// Makes an envelope from its parts.
    public init(payloadType: String, payload: [UInt8], keyID: String, signature: [UInt8]) {
        self.payloadType = payloadType
        self.payload = payload
        self.keyID = keyID
        self.signature = signature
    }

    /// Signs a statement's canonical bytes.
    public init(signing statement: Statement, key: P256.PrivateKey) throws {
        self.init(
            payloadType: Statement.payloadType, payload: statement.canonicalBytes, keyID: key.publicKey.keyID,
            signature: [])
        signature = try key.sign(preAuthentication)
    }

    /// What is signed: `DSSEv1 SP len SP type SP len SP payload`.
    public var preAuthentication: [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    /// Whether the envelope names this key and holds its signature.
    public func isSigned(by key: P256.PublicKey) -> Bool {
        keyID == key.keyID && key.isValid(signature, for: preAuthentication)
    }

    /// The statement inside; nil when the payload is none.
    public var statement: Statement? {
        guard payloadType == Statement.payloadType, let json = try? CanonicalJSON.parse(payload) else { return nil }
        return Statement(json: json)
    }

    /// The envelope as DSSE writes it.
    public var json: JSONValue {
        [
            "payload": .string(Base64.encode(payload)),
            "payloadType": .string(payloadType),
            "signatures": [["keyid": .string(keyID), "sig": .string(Base64.encode(signature))]],
        ]
    }

    /// Reads an envelope with exactly one signature; nil for anything else, unknown members included.
    public init?(json: JSONValue) {
        guard let members = json.object, members.count == 3, let payloadType = json["payloadType"]?.string,
            let payload = json["payload"]?.string.flatMap({ Base64.decode($0) }),
            let signatures = json["signatures"]?.array, signatures.count == 1, signatures[0].object?.count == 2,
            let keyID = signatures[0]["keyid"]?.string,
            let signature = signatures[0]["sig"]?.string.flatMap({ Base64.decode($0) })
        else { return nil }
        self.init(payloadType: payloadType, payload: payload, keyID: keyID, signature: signature)
    }
}
