import IbidCompare
public import IbidModel

/// What a replay found.
public enum Verdict: String, Hashable, Sendable, Codable, CaseIterable {
    /// The same bytes.
    case identical
    /// Other bytes, equal under the rule that was sealed with the run.
    case equivalent
    /// Not the same.
    case different
    /// The replay itself did not end as the run did, because Ibid or a limit stopped it.
    case failed
    /// It could not be tried, or not be judged: something that it needs is gone or was altered, or the platform differs.
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
    /// How the two differ, for those that do.
    var explanation: Explanation?
    /// What makes it differ, when that was looked for and found.
    public var cause: Cause?

    /// How the two differ, line by line: columns, paths, members, changed lines. Bounded.
    public var differences: [String] { explanation?.lines ?? [] }

    /// Two pictures that differ, PNG or JPEG, and the map of their differences, a PNG; nil for anything else.
    public var pictures: (before: [UInt8], after: [UInt8], map: [UInt8]?)? {
        explanation?.pictures.map { ($0.before, $0.after, $0.map) }
    }

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
    /// The job's name.
    public var job: String
    /// The verdict over everything.
    public var verdict: Verdict
    /// Why it could not be tried, or how it failed; nil otherwise.
    public var reason: String?
    /// The recorded image.
    public var expectedImage: Digest
    /// The image that ran, or, with `rebuild`, that the build gave; nil when there was none.
    public var actualImage: Digest?
    /// What was compared.
    public var outputs: [OutputVerdict]
    /// Where the verdict stands in the ledger.
    public var ledger: LedgerReference?
}

/// How a replay is done.
public struct ReplayOptions: Hashable, Sendable {
    /// Whether the image is built again from the recorded source and lock, and its digest compared.
    public var rebuild = false
    /// Whether everything that the record names is proved to be there before anything runs.
    public var deep = false
    /// Whether the cause of a difference is looked for, which takes several more runs.
    public var explain = false

    /// Whether a machine below the run's processor level tries with the kernels that it has.
    public var anyCPU = false

    /// Nothing of it.
    public init() {}
}
