public import IbidContainer
public import IbidModel

/// How an image is to be built.
public struct ImageBuildOptions: Sendable {
    /// The recipe's path inside the source tree; without one, `Dockerfile` or what can be derived from the tree.
    public var dockerfile: String?
    /// What an earlier build derived, in the store: it counts for a source that has no recipe file of its own, because
    /// another version of Ibid may derive something else.
    public var derivedRecipe: Digest?
    /// The stage to build; the last one unless given.
    public var target: String?
    /// Values for `ARG`.
    public var arguments: [String: String]
    /// The platform to build for, which has to be this machine's; nil for that.
    public var platform: String?
    /// Secrets by the id that `RUN --mount=type=secret` names.
    public var secrets: [String: BuildSecret] = [:]
    /// A lock in the store: the build sees what it has and nothing else.
    public var lock: Digest?
    /// Whether, without that, the `ibid.lock` of the source tree counts.
    public var usesCommittedLock = true
    /// The name that the image gets in the store's index.
    public var ref: String
    /// What a `RUN` step may use.
    public var limits: ContainerLimits
    /// The OCI runtime.
    public var runtime: String
    /// Whether steps that ran before may be taken from the cache.
    public var usesCache: Bool

    /// How registries are reached.
    public var registry = RegistryAccess()

    /// What keeps a step that goes wrong from taking the machine with it, and is in nobody's way.
    public static let stepLimits = ContainerLimits(pids: 4_096)

    /// Makes options; only the name has no default.
    public init(
        ref: String, dockerfile: String? = nil, target: String? = nil, arguments: [String: String] = [:],
        lock: Digest? = nil, limits: ContainerLimits = Self.stepLimits, runtime: String = "crun",
        usesCache: Bool = true
    ) {
        self.ref = ref
        self.dockerfile = dockerfile
        self.target = target
        self.arguments = arguments
        self.lock = lock
        self.limits = limits
        self.runtime = runtime
        self.usesCache = usesCache
    }
}

/// What a build tells while it works.
public enum ImageBuildEvent: Sendable {
    /// Something is going on with the base.
    case base(String)
    /// A step begins.
    case stepStarted(number: Int, of: Int, instruction: String)
    /// A `RUN` step writes to stdout or stderr.
    case output([UInt8])
    /// A step fetches something from outside: so many bytes came for the step so far.
    case fetching(name: String, totalBytes: Int64)
    /// A step's command has ended, and Ibid does this with what it left.
    case afterwards(String)
    /// A step is done: the bytes of its layer, and of what it asked the gateway for.
    case stepFinished(ImageBuild.Step, layerBytes: Int64, fetchedBytes: Int64)
    /// The second build of a verification begins.
    case verifying(String)
    /// Both builds of a step were compared.
    case stepVerified(ImageBuild.Step, number: Int, of: Int)
    /// Something the user should know.
    case warning(String)
}
