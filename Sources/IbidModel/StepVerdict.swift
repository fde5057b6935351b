/// What two builds of one step say of it.
public enum StepVerdict: String, Hashable, Sendable, Codable {
    /// Both wrote the same bytes.
    case reproduced
    /// The layers are the same, because what differed is left out of every layer or made the same in it.
    case normalised = "reproduced after normalisation"
    /// The layers differ.
    case irreproducible
}

/// A file that two builds of one step left differently.
public struct StepDifference: Hashable, Sendable, Codable {
    /// The file, from the image's root.
    public var path: String
    /// Whether it differs in the layer too, or was made the same.
    public var isNormalised: Bool
    /// Why, in a word or two: `time stamp`, `random`, `order`…
    public var cause: String
    /// What shows it, such as the two values.
    public var detail: String?

    /// Makes a difference.
    public init(path: String, isNormalised: Bool, cause: String, detail: String?) {
        self.path = path
        self.isNormalised = isNormalised
        self.cause = cause
        self.detail = detail
    }
}

/// What the second build of a verification had otherwise than the first.
public struct BuildVariation: Hashable, Sendable, Codable {
    /// What was varied, in words: `file system (ext4, then tmpfs)`.
    public var varied: [String] = []
    /// What could not be varied on this machine, and why.
    public var notVaried: [String] = []

    /// Nothing yet.
    public init() {}
}
