/// A perfect subtree: `1 << level` leaves, starting at leaf `index << level`.
public struct MerkleNode: Hashable, Sendable {
    /// The height above the leaves.
    public var level: Int
    /// The position among the subtrees of that height.
    public var index: Int64

    /// Makes a node's address.
    public init(level: Int, index: Int64) {
        self.level = level
        self.index = index
    }
}

/// Roots and proofs of a tree whose perfect subtrees can be looked up (RFC 6962 sections 2.1 to 2.1.2).
///
/// Each function asks for O(log size) subtrees.
public struct MerkleTree {
    /// The number of leaves.
    public let size: Int64
    private let node: (MerkleNode) throws -> MerkleHash

    /// A tree of that size.
    ///
    /// - Parameter node: gives the hash of a perfect subtree that lies within the tree; what it throws is passed on.
    public init(size: Int64, node: @escaping (MerkleNode) throws -> MerkleHash) {
        precondition(size >= 0, "a tree has no negative size")
        self.size = size
        self.node = node
    }

    /// The root of the first `count` leaves.
    public func root(of count: Int64) throws -> MerkleHash {
        precondition((0...size).contains(count), "the tree has only \(size) leaves")
        return count == 0 ? .emptyRoot : try hash(0, count)
    }

    /// The proof that a leaf is in the tree.
    public func inclusionProof(of leafIndex: Int64) throws -> InclusionProof {
        precondition((0..<size).contains(leafIndex), "the tree has only \(size) leaves")
        var path: [MerkleHash] = []
        var (low, high) = (Int64(0), size)
        while high - low > 1 {
            let middle = low + Self.split(high - low)
            if leafIndex < middle {
                path.append(try hash(middle, high))
                high = middle
            } else {
                path.append(try hash(low, middle))
                low = middle
            }
        }
        return InclusionProof(leafIndex: leafIndex, treeSize: size, path: path.reversed())
    }

    /// The proof that the tree of the first `oldSize` leaves is a prefix of this one.
    public func consistencyProof(from oldSize: Int64) throws -> ConsistencyProof {
        precondition((0...size).contains(oldSize), "the tree has only \(size) leaves")
        var path: [MerkleHash] = []
        if oldSize > 0 && oldSize < size {
            var (low, high, whole) = (Int64(0), size, true)
            // SUBPROOF(m, D[n], b): `whole` is b, the case where the verifier already knows the left tree's root.
            while oldSize != high {
                let middle = low + Self.split(high - low)
                if oldSize <= middle {
                    path.append(try hash(middle, high))
                    high = middle
                } else {
                    path.append(try hash(low, middle))
                    low = middle
                    whole = false
                }
            }
            if !whole { path.append(try hash(low, high)) }
        }
        return ConsistencyProof(oldSize: oldSize, newSize: size, path: path.reversed())
    }

    // The hash over leaves low..<high, where low is a multiple of the largest power of two below their number.
    private func hash(_ low: Int64, _ high: Int64) throws -> MerkleHash {
        let count = high - low
        if count.nonzeroBitCount == 1 {
            let level = count.trailingZeroBitCount
            return try node(MerkleNode(level: level, index: low >> level))
        }
        let middle = low + Self.split(count)
        return .node(try hash(low, middle), try hash(middle, high))
    }

    // The largest power of two smaller than a number of leaves greater than one.
    private static func split(_ count: Int64) -> Int64 { 1 << (63 - (count - 1).leadingZeroBitCount) }
}
