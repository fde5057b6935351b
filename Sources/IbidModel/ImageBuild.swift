/// How an image came to be: enough to build it again and to say what each step did.
public struct ImageBuild: Hashable, Sendable, Codable {
    /// One instruction and what became of it.
    public struct Step: Hashable, Sendable, Codable {
        /// The instruction as the Dockerfile has it.
        public var instruction: String
        /// The layer it made; nil for an instruction that only changes the configuration.
        public var layer: Digest?
        /// Whether the layer came from the cache.
        public var cached: Bool
        /// How long it took, in microseconds.
        public var microseconds: Int64
        /// What a verifying build says of it; nil without one.
        public var verdict: StepVerdict?
        /// The files in which the two builds of a verification differed, sorted by path; nil without one.
        public var differences: [StepDifference]?

        /// Makes a step.
        public init(instruction: String, layer: Digest?, cached: Bool, microseconds: Int64) {
            self.instruction = instruction
            self.layer = layer
            self.cached = cached
            self.microseconds = microseconds
        }
    }

    /// The manifest digest: the image's identity.
    public var image: Digest
    /// The name under which the store's index lists it.
    public var ref: String
    /// The base image's manifest digest; nil for `FROM scratch`.
    public var base: Digest?
    /// The lock's digest: every request the build made and the bytes it got; nil when it fetched nothing.
    public var lock: Digest?
    /// The source layer it was built from.
    public var source: Digest
    /// The recipe's text, stored by digest.
    public var recipe: Digest
    /// The steps, in order.
    public var steps: [Step]
    /// The sum of the layers' lengths, in bytes.
    public var sizeBytes: Int64
    /// What the second build of a verification had otherwise; nil without one.
    public var variation: BuildVariation?

    /// Makes a record.
    public init(
        image: Digest, ref: String, base: Digest?, lock: Digest?, source: Digest, recipe: Digest, steps: [Step],
        sizeBytes: Int64
    ) {
        self.image = image
        self.ref = ref
        self.base = base
        self.lock = lock
        self.source = source
        self.recipe = recipe
        self.steps = steps
        self.sizeBytes = sizeBytes
    }
}
