/// Which runs are asked for; what is nil does not matter.
public struct RunFilter: Hashable, Sendable {
    /// The job's name.
    public var job: String?
    /// The commit, or the first digits of it.
    public var commit: String?
    /// The image.
    public var image: Digest?
    /// Bytes that it read as an input.
    public var input: Digest?
    /// Bytes that it left as an output.
    public var output: Digest?
    /// How it ended: `succeeded`, `failed`, `killed`, `refused`; `open` for a run without an outcome.
    public var status: String?
    /// When it started, at the earliest.
    public var since: Timestamp?
    /// A tag that it has.
    public var tag: String?

    /// Every run.
    public init() {}

    /// Whether it lets every run through.
    public var isEmpty: Bool { self == RunFilter() }
}
