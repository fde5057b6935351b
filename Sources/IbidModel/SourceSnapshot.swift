/// A source tree as it entered the store: which commit it claims to be, and the layer that holds it.
public struct SourceSnapshot: Hashable, Sendable, Codable {
    /// The commit that the revision named; for a dirty snapshot, the commit it started from.
    public var commit: GitObjectID
    /// The git tree of the job's directory (of the working state, when dirty).
    public var tree: GitObjectID
    /// The git tree of the whole repository at that commit.
    public var rootTree: GitObjectID
    /// The job's directory inside the repository; empty for its root.
    public var subdirectory: String
    /// Whether the working state was taken instead of the commit.
    public var dirty: Bool
    /// What the user typed.
    public var revision: String
    /// Where the repository says it comes from (`remote.origin.url`, credentials removed); nil when it says nothing.
    public var origin: String?
    /// The deterministic layer: a ustar/pax archive of the tree.
    public var layer: Digest
    /// The layer's length in bytes.
    public var layerSize: Int64
    /// A layer that holds the raw git objects (commit and trees) that prove the claim: `objects/<id>` entries.
    public var proof: Digest

    /// Makes a snapshot record.
    public init(
        commit: GitObjectID, tree: GitObjectID, rootTree: GitObjectID, subdirectory: String, dirty: Bool,
        revision: String, origin: String?, layer: Digest, layerSize: Int64, proof: Digest
    ) {
        self.commit = commit
        self.tree = tree
        self.rootTree = rootTree
        self.subdirectory = subdirectory
        self.dirty = dirty
        self.revision = revision
        self.origin = origin
        self.layer = layer
        self.layerSize = layerSize
        self.proof = proof
    }
}
