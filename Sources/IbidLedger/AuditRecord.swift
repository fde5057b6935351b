public import IbidCrypto
public import IbidMerkle
public import IbidModel

/// Everything a stranger needs to check one run, in one JSON document: its statements, the proof that each is in the
/// log, the signed checkpoint that all proofs lead to, the public keys, and the small documents that the statements
/// name by digest. audit/LEDGER.md describes the form, audit/verify.py checks it without Ibid.
public struct AuditRecord: Hashable, Sendable {
    /// The document's media type.
    public static let mediaType = "application/vnd.ibid.record.v1+json"

    /// What an entry is to the run.
    public enum Role: String, Hashable, Sendable {
        /// Made before the run.
        case intent
        /// Made after the run.
        case outcome
        /// The build of the run's image.
        case image
        /// The run done again and compared.
        case replay
    }

    /// One statement and its place in the log.
    public struct Entry: Hashable, Sendable {
        /// What it is to the run.
        public var role: Role
        /// Its index in the log.
        public var leafIndex: Int64
        /// The bytes in the tree.
        public var leaf: [UInt8]
        /// The sibling hashes up to the checkpoint's root.
        public var path: [MerkleHash]
        /// The signed statement.
        public var envelope: Envelope

        /// Makes an entry from its parts.
        public init(role: Role, leafIndex: Int64, leaf: [UInt8], path: [MerkleHash], envelope: Envelope) {
            self.role = role
            self.leafIndex = leafIndex
            self.leaf = leaf
            self.path = path
            self.envelope = envelope
        }
    }

    /// The run.
    public var run: RunID
    /// The entries, in the order of the log.
    public var entries: [Entry]
    /// The checkpoint to which every proof leads.
    public var checkpoint: SignedNote
    /// The key of the statements.
    public var attestorKey: P256.PublicKey
    /// The key of the checkpoint, with the log's name.
    public var ledgerKey: NoteKey
    /// Documents that the statements name, such as the spec and the result.
    public var documents: [Digest: [UInt8]]

    /// Makes a record from its parts.
    public init(
        run: RunID, entries: [Entry], checkpoint: SignedNote, attestorKey: P256.PublicKey, ledgerKey: NoteKey,
        documents: [Digest: [UInt8]]
    ) {
        self.run = run
        self.entries = entries
        self.checkpoint = checkpoint
        self.attestorKey = attestorKey
        self.ledgerKey = ledgerKey
        self.documents = documents
    }
}
