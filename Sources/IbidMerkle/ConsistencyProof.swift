/// The proof that one tree is a prefix of another: nothing in it was changed or removed (RFC 6962 section 2.1.2).
public struct ConsistencyProof: Hashable, Sendable {
    /// The number of leaves of the older tree.
    public var oldSize: Int64
    /// The number of leaves of the newer tree.
    public var newSize: Int64
    /// The hashes, lowest first.
    public var path: [MerkleHash]

    /// Makes a proof from its parts.
    public init(oldSize: Int64, newSize: Int64, path: [MerkleHash]) {
        self.oldSize = oldSize
        self.newSize = newSize
        self.path = path
    }

    /// The proof as the body with which a witness is sent a checkpoint (C2SP tlog-witness, `add-checkpoint`).
    ///
    /// - Parameter newest: the checkpoint of the newer tree.
    public func body(leadingTo newest: SignedNote) -> String {
        "old \(oldSize)\n" + path.map { $0.base64 + "\n" }.joined() + "\n" + newest.description
    }

    /// Reads such a body; nil unless it leads to that very checkpoint, over so many entries.
    public init?(body: String, leadingTo newest: SignedNote, size: Int64) {
        let end = "\n\n" + newest.description
        guard body.hasSuffix(end) else { return nil }
        let lines = body.dropLast(end.count).split(separator: "\n", omittingEmptySubsequences: false)
        let path = lines.dropFirst().compactMap { MerkleHash(base64: $0) }
        guard let first = lines.first, first.hasPrefix("old "), let old = Int64(first.dropFirst(4)),
            first == "old \(old)", path.count == lines.count - 1
        else { return nil }
        self.init(oldSize: old, newSize: size, path: path)
    }

    /// Whether the tree with the old root is a prefix of the tree with the new one (RFC 9162 section 2.1.4.2).
    public func isValid(oldRoot: MerkleHash, newRoot: MerkleHash) -> Bool {
        guard oldSize >= 0, oldSize <= newSize else { return false }
        if oldSize == newSize { return path.isEmpty && oldRoot == newRoot }
        if oldSize == 0 { return path.isEmpty && oldRoot == .emptyRoot }
        // A perfect old tree is itself the first node of the path; the proof leaves it out.
        var rest = path[...]
        guard let first = oldSize.nonzeroBitCount == 1 ? oldRoot : rest.popFirst() else { return false }
        var (node, last) = (oldSize - 1, newSize - 1)
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        var (old, new) = (first, first)
        for hash in rest {
            guard last > 0 else { return false }
            if node & 1 == 1 || node == last {
                old = .node(hash, old)
                new = .node(hash, new)
                while node & 1 == 0 && node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                new = .node(new, hash)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && old == oldRoot && new == newRoot
    }
}
