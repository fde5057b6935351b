/// The proof that a leaf is at an index of a tree of a size (RFC 6962 section 2.1.1).
public struct InclusionProof: Hashable, Sendable {
    /// The leaf's position, from zero.
    public var leafIndex: Int64
    /// The number of leaves.
    public var treeSize: Int64
    /// The sibling hashes, the leaf's first.
    public var path: [MerkleHash]

    /// Makes a proof from its parts.
    public init(leafIndex: Int64, treeSize: Int64, path: [MerkleHash]) {
        self.leafIndex = leafIndex
        self.treeSize = treeSize
        self.path = path
    }

    /// The root that the path leads to; nil when its length does not belong to index and size (RFC 9162 section
    /// 2.1.3.2).
    public func root(for leafHash: MerkleHash) -> MerkleHash? {
        guard treeSize > 0, (0..<treeSize).contains(leafIndex) else { return nil }
        var (node, last, hash) = (leafIndex, treeSize - 1, leafHash)
        for sibling in path {
            guard last > 0 else { return nil }
            if node & 1 == 1 || node == last {
                hash = .node(sibling, hash)
                // On the right edge a node without a sibling rises as it is.
                while node & 1 == 0 && node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 ? hash : nil
    }

    /// Whether the leaf is in the tree with that root.
    ///
    /// The root does not bind the size, so the size has to come from the signed checkpoint, never from the proof's
    /// own words.
    public func isValid(leafHash: MerkleHash, root: MerkleHash) -> Bool { self.root(for: leafHash) == root }
}
