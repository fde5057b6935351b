/// How a replay compares the outputs whose paths match a pattern; sealed with the run.
public struct CompareRule: Hashable, Sendable, Codable {
    /// The kind of comparison.
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// Byte by byte.
        case bytes
        /// Numbers within a tolerance.
        case numeric
        /// Pictures within a pixel threshold.
        case image
        /// Text, with some patterns left out.
        case text
        /// Not compared.
        case ignore
    }

    /// A glob over output paths.
    public var pattern: String
    /// The kind of comparison.
    public var kind: Kind
    /// The rule's settings as the job wrote them (`rtol` = `1e-9`), kept as text so that they have one form.
    public var settings: [String: String]

    /// Makes a rule.
    public init(pattern: String, kind: Kind, settings: [String: String] = [:]) {
        self.pattern = pattern
        self.kind = kind
        self.settings = settings
    }
}
