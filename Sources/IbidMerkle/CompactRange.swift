/// What is enough of a tree to append to it and to know its root: the hashes of its perfect subtrees from left to
/// right, one for each bit that is set in its size.
public struct CompactRange: Hashable, Sendable {
    /// The number of leaves.
    public private(set) var size: Int64
    /// The perfect subtrees, largest first.
    public private(set) var hashes: [MerkleHash]

    /// The empty tree.
    public init() {
        size = 0
        hashes = []
    }

    /// A tree of that size with those subtrees; nil when their number does not belong to the size.
    public init?(size: Int64, hashes: [MerkleHash]) {
        guard size >= 0, size.nonzeroBitCount == hashes.count else { return nil }
        self.size = size
        self.hashes = hashes
    }

    /// Appends a leaf's hash.
    public mutating func append(_ leafHash: MerkleHash) { append(leafHash) { _, _, _ in } }

    /// Appends a leaf's hash and says which subtrees that completes.
    ///
    /// - Parameter completed: called for each perfect subtree of two or more leaves that this completes, lowest first.
    public mutating func append(
        _ leafHash: MerkleHash, completed: (_ level: Int, _ index: Int64, MerkleHash) throws -> Void
    ) rethrows {
        var hash = leafHash
        for level in 0..<size.trailingOneBitCount {
            hash = .node(hashes.removeLast(), hash)
            try completed(level + 1, size >> (level + 1), hash)
        }
        hashes.append(hash)
        size += 1
    }

    /// The root hash: the subtrees joined from the right (RFC 6962 section 2.1).
    public var root: MerkleHash {
        guard var hash = hashes.last else { return .emptyRoot }
        for left in hashes.dropLast().reversed() { hash = .node(left, hash) }
        return hash
    }
}

extension Int64 {
    fileprivate var trailingOneBitCount: Int { (~self).trailingZeroBitCount }
}
