/// One thing that is not as it should be.
public struct VerificationProblem: Hashable, Sendable, Codable {
    /// The thing: an entry, a blob, a file, a signature.
    public var what: String
    /// What was found.
    public var got: String
    /// What should have been found.
    public var want: String

    /// Makes a problem.
    public init(what: String, got: String, want: String) {
        self.what = what
        self.got = got
        self.want = want
    }
}

/// What a verification found: everything that is wrong, and what was and was not proved.
public struct VerificationReport: Hashable, Sendable, Codable {
    /// Whether nothing is wrong.
    public var ok: Bool { problems.isEmpty }
    /// What was proved, in sentences.
    public var proved: [String] = []
    /// What this verification could not prove, in sentences.
    public var notProved: [String] = []
    /// Every mismatch.
    public var problems: [VerificationProblem] = []

    /// Makes an empty report.
    public init() {}

    /// Adds a mismatch.
    public mutating func add(_ what: String, got: String, want: String) {
        problems.append(VerificationProblem(what: what, got: got, want: want))
    }
}
