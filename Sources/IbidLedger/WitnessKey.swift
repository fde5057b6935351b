import IbidCrypto
import IbidModel

/// A witness' key (C2SP signed-note, type 0x04).
struct WitnessKey {
    let name: String
    let key: Ed25519.PublicKey
    /// The four bytes that its signature lines carry.
    let hash: [UInt8]

    /// Reads `name+hash+base64(04 ‖ key)`.
    init(_ vkey: String) throws {
        let parts = vkey.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let bytes = Base64.decode(parts[2]), bytes.count == 33, bytes[0] == 4 else {
            throw IbidError.malformedKey("the witness' key", want: "'name+hash+base64' of type 4")
        }
        name = parts[0]
        key = try Ed25519.PublicKey(raw: Array(bytes.dropFirst()))
        hash = Array(Digest.sha256(of: Array(name.utf8) + [0x0a, 0x04] + key.raw).bytes.prefix(4))
        guard parts[1] == Hex.encode(hash) else {
            throw IbidError.malformedKey("the witness' key", want: "one whose hash belongs to its name and key")
        }
    }
}
