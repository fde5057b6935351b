/// What a job says of itself: `job.toml`, with every default filled in.
public struct JobSpec: Hashable, Sendable {
    /// Where an input comes from.
    public enum InputOrigin: Hashable, Sendable {
        /// A path relative to the job's directory, read from the commit.
        case path(String)
        /// An `http` or `https` address, fetched before the run.
        case url(String)
    }

    /// One declared input.
    public struct Input: Hashable, Sendable {
        /// Where it comes from.
        public var origin: InputOrigin
        /// The digest that pins it, when the job gives one.
        public var sha256: Digest?

        /// Makes an input.
        public init(origin: InputOrigin, sha256: Digest? = nil) {
            self.origin = origin
            self.sha256 = sha256
        }
    }

    /// The job's name; nil when `job.toml` has none (the directory's name stands in).
    public var name: String?
    /// The command; nil for the image's own. `{param}` stands for a parameter.
    public var command: [String]?
    /// Globs over outputs; empty for everything that the command writes.
    public var outputs: [String]
    /// Parameters and their default values.
    public var params: [String: String]
    /// Inputs by name.
    public var inputs: [String: Input]
    /// Environment variables for the run.
    public var environment: [String: String]
    /// Limits.
    public var limits: Limits
    /// Comparison rules, in the job's order.
    public var compare: [CompareRule]
    /// The determinism profile.
    public var determinism: DeterminismProfile
    /// The processor level; nil for what the profile says.
    public var cpu: CPUWish?
    /// The GPUs that it needs: `all`, a number, or names; nil for none.
    public var gpus: String?

    /// Makes a job; what is left out has the documented default.
    public init(
        name: String? = nil, command: [String]? = nil, outputs: [String] = [], params: [String: String] = [:],
        inputs: [String: Input] = [:], environment: [String: String] = [:], limits: Limits = .standard,
        compare: [CompareRule] = [], determinism: DeterminismProfile = .default
    ) {
        self.name = name
        self.command = command
        self.outputs = outputs
        self.params = params
        self.inputs = inputs
        self.environment = environment
        self.limits = limits
        self.compare = compare
        self.determinism = determinism
    }
}

/// How far Ibid goes to make a run give the same bytes again.
public enum DeterminismProfile: String, Hashable, Sendable, Codable, CaseIterable {
    /// Nothing, for comparison: libraries, threads and hash seeds are what they are.
    case none
    /// Environment only; no code of the analysis sees anything it could not see elsewhere.
    case `default`
    /// Also fixed addresses, clock and randomness.
    case strict

    /// Every text that means one, for messages.
    public static let known = allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")

    /// Where a run finds the files of its profile.
    public static let directory = "/.ibid"
    /// The library that a strict run has preloaded. The number is that of its behaviour: a spec names it, and a replay
    /// wants the same.
    public static let preload = "/.ibid/strict-2.so"
    /// What that library is to hold still.
    public static let settings = "/.ibid/settings"
    /// Settings of matplotlib that no environment variable has.
    public static let matplotlib = "/.ibid/matplotlibrc"
}
