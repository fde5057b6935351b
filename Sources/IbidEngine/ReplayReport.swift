public import IbidModel

/// What a replay found.
public enum Verdict: String, Hashable, Sendable, Codable {
    /// The same bytes.
    case identical
    /// Other bytes, equal under the rule that was sealed with the run.
    case equivalent
    /// Not the same.
    case different
    /// The replay itself did not end as the run did, because Ibid or a limit stopped it.
    case failed
    /// It could not be tried: something that the run needs is gone, or has been altered.
    case unverifiable
}

/// One compared thing of a replay: an output, a stream, the exit status.
public struct OutputVerdict: Hashable, Sendable {
    /// The output's path; `stdout`, `stderr` and `exit status` are written in angle brackets.
    public var path: String
    /// How it compares.
    public var verdict: Verdict
    /// What the record says; nil for something that the run did not have.
    public var expected: String?
    /// What the replay gave; nil for something it did not give.
    public var actual: String?
    /// The rule that compared it.
    public var rule: String
    /// The measured difference in words; nil when there is none.
    public var detail: String?

    /// Makes a verdict.
    public init(
        path: String, verdict: Verdict, expected: String?, actual: String?, rule: String = "bytes",
        detail: String? = nil
    ) {
        self.path = path
        self.verdict = verdict
        self.expected = expected
        self.actual = actual
        self.rule = rule
        self.detail = detail
    }
}

/// A replay and its verdict.
public struct ReplayReport: Hashable, Sendable {
    /// The replay's own id.
    public var run: RunID
    /// The run that was replayed.
    public var replayOf: RunID
    /// The verdict over everything.
    public var verdict: Verdict
    /// Why it could not be tried, or how it failed; nil otherwise.
    public var reason: String?
    /// The recorded image.
    public var expectedImage: Digest
    /// The image that ran; nil when none did.
    public var actualImage: Digest?
    /// What was compared.
    public var outputs: [OutputVerdict]
    /// Where the verdict stands in the ledger.
    public var ledger: LedgerReference?
}
