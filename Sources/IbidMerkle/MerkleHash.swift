import IbidCrypto
public import IbidModel

/// One node of a Merkle tree: 32 bytes, held inline so that a million of them cost no allocations.
public struct MerkleHash: Hashable, Sendable, CustomStringConvertible {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// The root of a tree without leaves: SHA-256 of nothing (RFC 6962 section 2.1).
    public static let emptyRoot: MerkleHash = MerkleHash(hashing: UnsafeRawBufferPointer(start: nil, count: 0))

    /// Wraps 32 bytes; nil for any other number.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    /// Wraps a digest.
    public init(_ digest: Digest) {
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: digest.bytes) }
    }

    /// Takes 32 bytes from memory.
    public init(copying bytes: UnsafeRawPointer) {
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: 32)) }
    }

    private init(hashing input: UnsafeRawBufferPointer) {
        withUnsafeMutableBytes(of: &words) { output in
            if let base = output.baseAddress { SHA256.hash(input, into: base) }
        }
    }

    /// The hash of an entry: SHA-256 of `00 ‖ leaf`.
    public static func leaf(_ leaf: some Collection<UInt8>) -> MerkleHash {
        withUnsafeTemporaryAllocation(byteCount: 1 + leaf.count, alignment: 1) { buffer in
            buffer[0] = 0
            UnsafeMutableRawBufferPointer(rebasing: buffer[1...]).copyBytes(from: leaf)
            return MerkleHash(hashing: UnsafeRawBufferPointer(buffer))
        }
    }

    /// The hash over two subtrees: SHA-256 of `01 ‖ left ‖ right`.
    public static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        withUnsafeTemporaryAllocation(byteCount: 65, alignment: 8) { buffer in
            buffer[0] = 1
            withUnsafeBytes(of: left.words) {
                UnsafeMutableRawBufferPointer(rebasing: buffer[1..<33]).copyMemory(from: $0)
            }
            withUnsafeBytes(of: right.words) {
                UnsafeMutableRawBufferPointer(rebasing: buffer[33..<65]).copyMemory(from: $0)
            }
            return MerkleHash(hashing: UnsafeRawBufferPointer(buffer))
        }
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }

    /// The same bytes as a digest.
    public var digest: Digest { Digest(bytes: bytes) }

    /// The bytes in base 64, as checkpoints and proofs write them.
    public var base64: String { Base64.encode(bytes) }

    /// Reads 32 bytes in base 64; nil for anything else.
    public init?(base64 text: some StringProtocol) {
        guard let bytes = Base64.decode(text) else { return nil }
        self.init(bytes)
    }

    /// The 64 hexadecimal digits.
    public var description: String { Hex.encode(bytes) }

    /// Hashes are equal when their bytes are.
    public static func == (left: MerkleHash, right: MerkleHash) -> Bool { left.words == right.words }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}
