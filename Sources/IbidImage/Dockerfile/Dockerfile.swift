/// A recipe: a Dockerfile's stages, in order, with the arguments declared before the first of them.
public struct Dockerfile: Hashable, Sendable {
    /// An instruction with its place and text.
    public struct Step: Hashable, Sendable {
        /// Where it starts.
        public var place: SourcePlace
        /// Its text: one line, continuation lines joined.
        public var text: String
        /// What it says.
        public var instruction: Instruction

        /// Makes a step.
        public init(place: SourcePlace, text: String, instruction: Instruction) {
            self.place = place
            self.text = text
            self.instruction = instruction
        }
    }

    /// What one `FROM` begins.
    public struct Stage: Hashable, Sendable {
        /// Where the `FROM` stands.
        public var place: SourcePlace
        /// The `FROM` line's text.
        public var text: String
        /// The base's name, unexpanded.
        public var base: String
        /// `--platform`, unexpanded.
        public var platform: String?
        /// The name after `AS`, lower case.
        public var name: String?
        /// The instructions after it.
        public var steps: [Step]
    }

    /// The escape character in force.
    public var escape: Unicode.Scalar
    /// `ARG` instructions before the first `FROM`.
    public var globalArguments: [Step]
    /// At least one.
    public var stages: [Stage]

    /// The stage of that name or number; of several stages of one name the last before `limit`.
    ///
    /// Names are compared without case. A stage that begins at or after `limit` is found only when no earlier one has
    /// the name: it is the user's mistake, and better named than taken for an image.
    public func stage(named name: String, before limit: Int = .max) -> Int? {
        let lowered = name.lowercased()
        if let index = stages.indices.last(where: { $0 < limit && stages[$0].name == lowered })
            ?? stages.indices.first(where: { stages[$0].name == lowered })
        {
            return index
        }
        guard let index = Int(name), stages.indices.contains(index) else { return nil }
        return index
    }
}
