import IbidJob
public import IbidModel
public import SystemPackage

/// What `ibid submit` was asked to do.
public struct SubmitRequest: Sendable {
    /// The job's directory, or the address of a git repository (`https://host/project.git#revision:directory`).
    public var place: String
    /// A git revision; nil for `HEAD` of a clean working tree.
    public var revision: String?
    /// Whether a dirty working tree is taken as it is.
    public var allowDirty = false
    /// Parameters that replace the job's defaults.
    public var params: [String: String] = [:]
    /// Inputs by name, as paths on this machine; they replace or add to the job's.
    public var inputs: [String: FilePath] = [:]
    /// Whether to run even though an equal run is recorded.
    public var fresh = false
    /// The command that replaces the job's or the image's; empty for that.
    public var command: [String] = []
    /// Limits that replace the job's.
    public var limits = LimitChanges()
    /// The determinism profile that replaces the job's.
    public var determinism: DeterminismProfile?
    /// The processor level that replaces the job's.
    public var cpu: CPUWish?
    /// The OCI runtime.
    public var runtime = "crun"
    /// GPUs that replace the job's: `all`, a number, or names.
    public var gpus: String?
    /// Ports of this host that lead to ports of the run; with any, an earlier run does not answer.
    public var ports: [PublishedPort] = []

    /// How the image is built.
    public var build = BuildChanges()

    /// A request with every default.
    public init(place: String) { self.place = place }

    var directory: FilePath { FilePath(place) }

    /// Of the image's build.
    public struct BuildChanges: Hashable, Sendable {
        /// The Dockerfile's path inside the job's directory; nil for `Dockerfile`, or what can be derived.
        public var dockerfile: String?
        /// Secrets of build steps by id; nothing of them is recorded.
        public var secrets: [String: [UInt8]] = [:]
        /// The Dockerfile's stage; nil for the last.
        public var target: String?
        /// Values for `ARG`.
        public var arguments: [String: String] = [:]
        /// The platform to build for, which has to be this machine's; nil for that.
        public var platform: String?
        /// Whether steps that ran before may be taken from the cache.
        public var usesCache = true
        /// How registries are reached.
        public var registry = RegistryAccess()

        /// No change.
        public init() {}
    }

    /// Limits given on the command line; nil keeps the job's.
    public struct LimitChanges: Sendable {
        /// Bytes of memory.
        public var memoryBytes: Int64?
        /// Thousandths of a core.
        public var cpuMillis: Int64?
        /// Processes.
        public var pids: Int64?
        /// Seconds of wall time.
        public var wallSeconds: Int64?
        /// Bytes of everything that the run writes.
        public var outputBytes: Int64?
        /// Files that the run writes.
        public var outputFiles: Int64?
        /// Open descriptors per process.
        public var openFiles: Int64?

        /// No change.
        public init() {}

        /// Reads `2GiB` and the like, as `job.toml` does; bytes.
        public static func parseSize(_ text: String) throws -> Int64 { try Quantity.parseSize(text) }

        /// Reads `10m` and the like, as `job.toml` does; seconds.
        public static func parseDuration(_ text: String) throws -> Int64 { try Quantity.parseDuration(text) }

        func applied(to limits: Limits) -> Limits {
            var limits = limits
            if let memoryBytes { limits.memoryBytes = memoryBytes }
            if let cpuMillis { limits.cpuMillis = cpuMillis }
            if let pids { limits.pids = pids }
            if let wallSeconds { limits.wallSeconds = wallSeconds }
            if let outputBytes { limits.outputBytes = outputBytes }
            if let outputFiles { limits.outputFiles = outputFiles }
            if let openFiles { limits.openFiles = openFiles }
            return limits
        }
    }
}
