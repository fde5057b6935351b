public import IbidModel

/// Two runs side by side, from the outside in: what they are made of, then what came of them.
public struct RunDifference: Hashable, Sendable {
    /// One part of what a run is a function of.
    public struct Layer: Hashable, Sendable {
        /// `code`, `recipe`, `lock`, `image`, `inputs`, `parameters`, `command`, `environment`, `limits`, `profile`,
        /// `machine`.
        public var name: String
        /// What differs, line by line; empty when nothing does.
        public var lines: [String]
    }

    /// The first run: the reference.
    public var first: RunID
    /// The second run.
    public var second: RunID
    /// All layers, in the order of causes.
    public var layers: [Layer]
    /// What came of them, compared by the rules of the first.
    public var outputs: [OutputVerdict]
    /// The verdict over the outputs.
    public var verdict: Verdict
}
