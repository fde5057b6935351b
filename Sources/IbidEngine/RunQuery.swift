import IbidLedger
public import IbidModel

/// Which runs are asked for; what is nil does not matter.
public struct RunQuery: Hashable, Sendable {
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

    var filter: RunFilter {
        var filter = RunFilter()
        filter.job = job
        filter.commit = commit
        filter.image = image
        filter.input = input
        filter.output = output
        filter.status = status
        filter.since = since
        filter.tag = tag
        return filter
    }
}
