/// The part of the OCI image specification that Ibid reads and writes (image-spec v1.0).
public enum OCI {
    /// Media types, as the specification names them.
    public enum MediaType {
        /// An image manifest.
        public static let manifest = "application/vnd.oci.image.manifest.v1+json"
        /// An image index.
        public static let index = "application/vnd.oci.image.index.v1+json"
        /// An image configuration.
        public static let config = "application/vnd.oci.image.config.v1+json"
        /// An uncompressed layer: its digest is its diffID.
        public static let layer = "application/vnd.oci.image.layer.v1.tar"
        /// A layer compressed with gzip.
        public static let layerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
        /// A layer compressed with zstd.
        public static let layerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"
    }

    /// descriptor.md: what a blob is, how long it is, what it hashes to.
    public struct Descriptor: Hashable, Sendable, Codable {
        /// The blob's media type.
        public var mediaType: String
        /// The blob's digest.
        public var digest: Digest
        /// The blob's length in bytes.
        public var size: Int64
        /// Free annotations; in an index, the reference name is one.
        public var annotations: [String: String]?
        /// The platform of a manifest in an index.
        public var platform: Platform?

        /// Makes a descriptor.
        public init(
            mediaType: String, digest: Digest, size: Int64, annotations: [String: String]? = nil,
            platform: Platform? = nil
        ) {
            self.mediaType = mediaType
            self.digest = digest
            self.size = size
            self.annotations = annotations
            self.platform = platform
        }
    }

    /// What an image runs on.
    public struct Platform: Hashable, Sendable, Codable {
        /// A GOARCH value, such as `amd64`.
        public var architecture: String
        /// A GOOS value, such as `linux`.
        public var os: String
        /// The variant of the architecture.
        public var variant: String?

        /// Makes a platform.
        public init(architecture: String, os: String, variant: String? = nil) {
            self.architecture = architecture
            self.os = os
            self.variant = variant
        }
    }

    /// manifest.md: configuration and layers of one image.
    public struct Manifest: Hashable, Sendable, Codable {
        /// Always 2.
        public var schemaVersion = 2
        /// The manifest's own media type; optional in foreign manifests.
        public var mediaType: String?
        /// The image configuration.
        public var config: Descriptor
        /// The layers, lowest first.
        public var layers: [Descriptor]
        /// Free annotations.
        public var annotations: [String: String]?

        /// Makes a manifest.
        public init(config: Descriptor, layers: [Descriptor], annotations: [String: String]? = nil) {
            mediaType = MediaType.manifest
            self.config = config
            self.layers = layers
            self.annotations = annotations
        }
    }

    /// image-index.md: a list of manifests.
    public struct Index: Hashable, Sendable, Codable {
        /// Always 2.
        public var schemaVersion = 2
        /// The index's own media type.
        public var mediaType: String? = MediaType.index
        /// The manifests.
        public var manifests: [Descriptor]

        /// Makes an index.
        public init(manifests: [Descriptor]) { self.manifests = manifests }
    }

    /// config.md: what an image is and how it starts.
    public struct ImageConfig: Hashable, Sendable, Codable {
        /// RFC 3339; Ibid writes the epoch of the base.
        public var created: String?
        /// Who made it, from MAINTAINER.
        public var author: String?
        /// A GOARCH value.
        public var architecture: String
        /// A GOOS value.
        public var os: String
        /// The variant of the architecture.
        public var variant: String?
        /// How a container of this image starts.
        public var config: Execution?
        /// The layers' diffIDs, lowest first.
        public var rootfs: RootFS
        /// How each layer came to be.
        public var history: [History]?

        /// Makes a configuration.
        public init(
            created: String?, author: String? = nil, architecture: String, os: String, variant: String? = nil,
            config: Execution?, rootfs: RootFS, history: [History]?
        ) {
            self.created = created
            self.author = author
            self.architecture = architecture
            self.os = os
            self.variant = variant
            self.config = config
            self.rootfs = rootfs
            self.history = history
        }
    }

    /// config.md, `config`: execution parameters. The keys are capitalised, as Docker wrote them.
    public struct Execution: Hashable, Sendable, Codable {
        /// `user`, `uid`, `user:group` or `uid:gid`; empty is root.
        public var user: String?
        /// `port/protocol`, each an empty object.
        public var exposedPorts: [String: Empty]?
        /// `NAME=value`, in order.
        public var env: [String]?
        /// The command's first words.
        public var entrypoint: [String]?
        /// The entry point's default arguments, or the command where there is no entry point.
        public var cmd: [String]?
        /// Paths that Docker would put a volume on.
        public var volumes: [String: Empty]?
        /// The working directory; empty is `/`.
        public var workingDir: String?
        /// Labels.
        public var labels: [String: String]?
        /// The signal that asks the command to stop.
        public var stopSignal: String?
        /// Docker's extension: a health check.
        public var healthcheck: Healthcheck?
        /// Docker's extension: instructions for images built on this one.
        public var onBuild: [String]?
        /// Docker's extension: the shell of shell-form instructions.
        public var shell: [String]?

        /// Makes an empty set.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case user = "User"
            case exposedPorts = "ExposedPorts"
            case env = "Env"
            case entrypoint = "Entrypoint"
            case cmd = "Cmd"
            case volumes = "Volumes"
            case workingDir = "WorkingDir"
            case labels = "Labels"
            case stopSignal = "StopSignal"
            case healthcheck = "Healthcheck"
            case onBuild = "OnBuild"
            case shell = "Shell"
        }
    }

    /// Docker's health check; durations in nanoseconds.
    public struct Healthcheck: Hashable, Sendable, Codable {
        /// `NONE`, `CMD …` or `CMD-SHELL …`.
        public var test: [String]?
        /// Time between checks.
        public var interval: Int64?
        /// Time one check may take.
        public var timeout: Int64?
        /// Time before failures count.
        public var startPeriod: Int64?
        /// Time between checks while starting.
        public var startInterval: Int64?
        /// Failures in a row that make it unhealthy.
        public var retries: Int64?

        /// Makes an empty check.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case test = "Test"
            case interval = "Interval"
            case timeout = "Timeout"
            case startPeriod = "StartPeriod"
            case startInterval = "StartInterval"
            case retries = "Retries"
        }
    }

    /// The empty object that Docker uses as a set's value.
    public struct Empty: Hashable, Sendable, Codable {
        /// Makes it.
        public init() {}
    }

    /// config.md, `rootfs`.
    public struct RootFS: Hashable, Sendable, Codable {
        /// Always `layers`.
        public var type = "layers"
        /// The digest of each uncompressed layer, lowest first.
        public var diffIDs: [Digest]

        /// Makes it.
        public init(diffIDs: [Digest]) { self.diffIDs = diffIDs }

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }
    }

    /// config.md, `history`.
    public struct History: Hashable, Sendable, Codable {
        /// RFC 3339.
        public var created: String?
        /// The instruction.
        public var createdBy: String?
        /// A comment.
        public var comment: String?
        /// Whether the instruction made no layer.
        public var emptyLayer: Bool?

        /// Makes an entry.
        public init(created: String?, createdBy: String?, emptyLayer: Bool? = nil) {
            self.created = created
            self.createdBy = createdBy
            self.emptyLayer = emptyLayer
        }

        enum CodingKeys: String, CodingKey {
            case created
            case createdBy = "created_by"
            case comment
            case emptyLayer = "empty_layer"
        }
    }
}
