/// All that a run is a function of. Equal specs are the same experiment; the digest of the canonical bytes is its name.
///
/// Neither the commit nor the host is here: the image already holds the source, and where and when it ran are facts
/// about a run, not about what was asked.
public struct RunSpec: Hashable, Sendable, Codable {
    /// The version of this record's form.
    public static let currentSchema = "ibid.run-spec.v1"

    /// One input: what the run sees at `/inputs/<name>`.
    public struct Input: Hashable, Sendable, Codable {
        /// Whether the blob is the file itself, or a layer that unpacks to a directory.
        public enum Kind: String, Hashable, Sendable, Codable {
            /// The blob is the file.
            case file
            /// The blob is an uncompressed layer holding the directory's content.
            case directory
        }

        /// File or directory.
        public var kind: Kind
        /// The blob in the store.
        public var digest: Digest
        /// The blob's length in bytes.
        public var size: Int64

        /// Makes an input.
        public init(kind: Kind, digest: Digest, size: Int64) {
            self.kind = kind
            self.digest = digest
            self.size = size
        }
    }

    /// Always `currentSchema`.
    public var schema: String
    /// The image's manifest digest.
    public var image: Digest
    /// `linux/amd64` and the like.
    public var platform: String
    /// The whole argument vector: entry point, command, parameters filled in.
    public var command: [String]
    /// Absolute working directory; what is written below it is an output.
    public var workingDirectory: String
    /// As in the image configuration; empty is root (of the container's user namespace).
    public var user: String
    /// The whole environment.
    public var environment: [String: String]
    /// Parameters, already filled into the command; recorded for people.
    public var params: [String: String]
    /// Inputs by name.
    public var inputs: [String: Input]
    /// Globs over output paths; empty for all.
    public var outputs: [String]
    /// Limits.
    public var limits: Limits
    /// Comparison rules, in order.
    public var compare: [CompareRule]
    /// The determinism profile whose settings are in `environment`.
    public var determinism: DeterminismProfile
    /// The processor level that `environment` holds libraries to; nil for none (and in runs recorded before it was).
    public var cpu: CPULevel?
    /// Whether directories list their names in one order, whatever the file system; nil for its own (and in runs recorded
    /// before this was).
    public var sortsDirectories: Bool?
    /// The OCI runtime's name: another runtime is another environment (process ids differ).
    public var runtime: String
    /// Full names of devices of the host (`vendor.example/gpu=0`); nil for none.
    public var devices: [String]?
    /// Ports of the run that were published, in order; nil for none. What comes in through them is part of no spec, so
    /// such a run cannot be replayed.
    public var ports: [Int]?

    /// Makes a spec of the current form.
    public init(
        image: Digest, platform: String, command: [String], workingDirectory: String, user: String,
        environment: [String: String], params: [String: String], inputs: [String: Input], outputs: [String],
        limits: Limits, compare: [CompareRule], determinism: DeterminismProfile, cpu: CPULevel? = nil,
        sortsDirectories: Bool? = nil, runtime: String, devices: [String]? = nil, ports: [Int]? = nil
    ) {
        schema = Self.currentSchema
        self.image = image
        self.platform = platform
        self.command = command
        self.workingDirectory = workingDirectory
        self.user = user
        self.environment = environment
        self.params = params
        self.inputs = inputs
        self.outputs = outputs
        self.limits = limits
        self.compare = compare
        self.determinism = determinism
        self.cpu = cpu
        self.sortsDirectories = sortsDirectories
        self.runtime = runtime
        self.devices = devices
        self.ports = ports
    }
}
