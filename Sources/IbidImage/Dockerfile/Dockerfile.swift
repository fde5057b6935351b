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

    /// The stage of that name or index.
    public func stage(named name: String) -> Int? {
        if let index = stages.firstIndex(where: { $0.name == name.lowercased() }) { return index }
        guard let index = Int(name), stages.indices.contains(index) else { return nil }
        return index
    }
}
