public import IbidModel

/// Where a run's outcome stands in the ledger.
public struct LedgerReference: Hashable, Sendable {
    /// The outcome's index.
    public var leafIndex: Int64
    /// The size of the tree after it was appended.
    public var treeSize: Int64
    /// The root of that tree.
    public var rootHash: Digest

    /// Makes a reference.
    public init(leafIndex: Int64, treeSize: Int64, rootHash: Digest) {
        self.leafIndex = leafIndex
        self.treeSize = treeSize
        self.rootHash = rootHash
    }
}

/// One run as `submit`, `show` and `runs` tell it: read from the ledger, never remembered beside it.
public struct RunReport: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// The job's name.
    public var job: String
    /// How it ended.
    public var status: RunStatus
    /// The command's exit status.
    public var exitCode: Int?
    /// Why it was killed or refused.
    public var reason: String?
    /// Whether an earlier run of the same spec and commit answered.
    public var cached: Bool
    /// The source.
    public var source: SourceSnapshot
    /// The determinism profile.
    public var determinism: String?
    /// The processor level that its libraries were held to.
    public var cpuLevel: String?
    /// The image's manifest digest.
    public var image: Digest
    /// The spec's digest.
    public var spec: Digest
    /// The result's digest; nil for a run that was never finished.
    public var result: Digest?
    /// What it left.
    public var outputs: [RunOutput]
    /// Its stdout; nil for a run that was never finished.
    public var stdout: Digest?
    /// Its stderr; nil for a run that was never finished.
    public var stderr: Digest?
    /// When it started.
    public var startedAt: Timestamp
    /// When it ended.
    public var finishedAt: Timestamp
    /// Wall time in microseconds.
    public var wallMicroseconds: Int64
    /// Processor time in microseconds.
    public var cpuMicroseconds: Int64
    /// Largest memory in bytes.
    public var peakMemoryBytes: Int64?
    /// Bytes that its processes had a disk write.
    public var writtenBytes: Int64?
    /// Limits that it ran against without being ended.
    public var limitsReached: [String]
    /// What the strict profile cost.
    public var strictCost: RunMeasurement.StrictCost?
    /// Facts of the host.
    public var host: [String: String]
    /// Outputs that were left out, and why.
    public var refusedOutputs: [String: String]
    /// The command.
    public var command: [String]
    /// The parameters.
    public var params: [String: String]
    /// The inputs.
    public var inputs: [String: RunSpec.Input]
    /// Where it stands in the ledger.
    public var ledger: LedgerReference
    /// The image build that this submit made or found; nil when the report comes from the ledger alone.
    public var build: ImageBuild?
}
