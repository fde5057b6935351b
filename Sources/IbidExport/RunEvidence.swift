public import IbidMerkle
public import IbidModel

/// All that an archive tells of one run: values and digests, gathered by the engine.
public struct RunEvidence: Sendable {
    /// One signed statement about the run and its place in the log.
    public struct Attestation: Sendable {
        /// `intent`, `run`, `image`, or `replay-<index>`: the name of its files.
        public var name: String
        /// The index in the log.
        public var leafIndex: Int64
        /// The bytes in the tree.
        public var leaf: [UInt8]
        /// The proof that the leaf is in the tree of the checkpoint.
        public var proof: TLogProof
        /// The DSSE envelope.
        public var envelope: JSONValue
        /// What is signed: the DSSE pre-authentication encoding.
        public var signed: [UInt8]
        /// The DER signature.
        public var signature: [UInt8]
        /// The statement.
        public var statement: Statement

        /// Makes an attestation from its parts.
        public init(
            name: String, leafIndex: Int64, leaf: [UInt8], proof: TLogProof, envelope: JSONValue, signed: [UInt8],
            signature: [UInt8], statement: Statement
        ) {
            self.name = name
            self.leafIndex = leafIndex
            self.leaf = leaf
            self.proof = proof
            self.envelope = envelope
            self.signed = signed
            self.signature = signature
            self.statement = statement
        }
    }

    /// A document of the run: its bytes and the name under which the outcome's statement knows it.
    public struct Document: Sendable {
        /// The name in the statement.
        public var name: String
        /// The bytes.
        public var bytes: [UInt8]

        /// Makes a document.
        public init(name: String, bytes: [UInt8]) {
            self.name = name
            self.bytes = bytes
        }
    }

    /// The run.
    public var run: RunID
    /// The job's name.
    public var job: String
    /// The source.
    public var source: SourceSnapshot
    /// What was asked.
    public var spec: RunSpec
    /// What came of it.
    public var result: RunResult
    /// Its start.
    public var startedAt: Timestamp
    /// Its end.
    public var finishedAt: Timestamp
    /// What was measured and found on the host, for people.
    public var facts: [(String, String)]
    /// What was left out of the outputs, and why.
    public var refusedOutputs: [String: String]
    /// The statements, in the order of the log.
    public var attestations: [Attestation]
    /// The audit record: the same statements and proofs in one document.
    public var record: [UInt8]
    /// The newest checkpoint.
    public var checkpoint: SignedNote
    /// The checkpoint that was released with the run's outcome.
    public var formerCheckpoint: SignedNote
    /// The proof that the newer tree continues the older one.
    public var consistency: ConsistencyProof
    /// What others said of the log after the run had been entered, each with the proof that the newest checkpoint
    /// continues the one that they saw.
    public var outside: [(word: OutsideWord, consistency: ConsistencyProof)]
    /// The public key of the statements, in PEM.
    public var attestorPEM: String
    /// The log's key.
    public var ledgerKey: NoteKey
    /// The documents that the outcome names: `spec.json`, `result.json`, `lock.json`, `Dockerfile`.
    public var documents: [Document]
    /// The files of the run's determinism profile, by the paths at which it saw them; without those that this machine
    /// has in another version only.
    public var profileFiles: [String: [UInt8]]
    /// The image's configuration; nil when its blob is gone.
    public var imageConfig: OCI.ImageConfig?
    /// The software in the image; nil when its layers are gone.
    public var inventory: SoftwareInventory?
    /// What the record proves, and what it does not.
    public var verification: VerificationReport

    /// Makes evidence from its parts.
    public init(
        run: RunID, job: String, source: SourceSnapshot, spec: RunSpec, result: RunResult, startedAt: Timestamp,
        finishedAt: Timestamp, facts: [(String, String)], refusedOutputs: [String: String],
        attestations: [Attestation], record: [UInt8], checkpoint: SignedNote, formerCheckpoint: SignedNote,
        consistency: ConsistencyProof, outside: [(word: OutsideWord, consistency: ConsistencyProof)],
        attestorPEM: String, ledgerKey: NoteKey, documents: [Document],
        profileFiles: [String: [UInt8]], imageConfig: OCI.ImageConfig?, inventory: SoftwareInventory?,
        verification: VerificationReport
    ) {
        self.run = run
        self.job = job
        self.source = source
        self.spec = spec
        self.result = result
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.facts = facts
        self.refusedOutputs = refusedOutputs
        self.attestations = attestations
        self.record = record
        self.checkpoint = checkpoint
        self.formerCheckpoint = formerCheckpoint
        self.consistency = consistency
        self.outside = outside
        self.attestorPEM = attestorPEM
        self.ledgerKey = ledgerKey
        self.documents = documents
        self.profileFiles = profileFiles
        self.imageConfig = imageConfig
        self.inventory = inventory
        self.verification = verification
    }

    /// The outcome's attestation.
    var outcome: Attestation? { attestations.first { $0.name == "run" } }

    /// The replays' attestations.
    var replays: [Attestation] { attestations.filter { $0.name.hasPrefix("replay-") } }

    /// The command as one would type it.
    var commandLine: String { spec.command.map(ShellWord.quote).joined(separator: " ") }

    func document(_ name: String) -> Document? { documents.first { $0.name == name } }
}

/// Words for a POSIX shell.
enum ShellWord {
    /// The word, in quotes where it needs them.
    static func quote(_ word: String) -> String {
        let plain =
            !word.isEmpty
            && word.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || "_-./:=,+@%".utf8.contains(byte)
            }
        return plain ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
}
