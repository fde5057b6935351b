import IbidModel
public import SystemPackage

/// One container: what it sees, what it runs, what it may use.
public struct ContainerSpec: Sendable {
    /// An existing, empty scratch directory of this container; it gets `upper`, `work` and what else is needed.
    public var workspace: FilePath
    /// Unpacked layer directories, lowest first, with the image's own ids on their files.
    public var layers: [FilePath]
    /// The argument vector; the first word is looked up in the PATH of `environment`.
    public var command: [String]
    /// The whole environment.
    public var environment: [String: String]
    /// An absolute directory. One that the image has not is there all the same: for a run owned by root and left out of
    /// `upper`, for a build step made in `upper`, owned by its user.
    public var workingDirectory: String
    /// As in an image configuration: empty (root), `name`, `uid`, `name:group` or `uid:gid`.
    public var user: String
    /// The host name it sees.
    public var hostname: String
    /// Files and directories of the host that it sees.
    public var binds: [ContainerBind]
    /// Devices of the host.
    public var devices = ContainerDevices()
    /// File systems in memory that it sees, each empty at first and gone with it.
    public var memoryMounts: [ContainerMemoryMount] = []
    /// Small files that it sees and that lie on no disk.
    public var files: [ContainerFile] = []
    /// Files of so many zero bytes that everybody in it may write; what they then hold lies in `upper`.
    public var sharedFiles: [String: Int] = [:]
    /// Variables of its environment that are secret.
    public var secretEnvironment: [String: String] = [:]
    /// Absolute directories that it finds, owned by its user, also when the image has none; what it writes there lands
    /// in `upper`.
    public var directories: [String]
    /// Whether what it finds beside its layers (mount points and the like) is kept for the next container with the
    /// same layers, until the machine is switched off. Good for what runs again and again.
    public var keepsSkeleton = false
    /// What it may use.
    public var limits: ContainerLimits
    /// Whether it is a run or a build step.
    public var privileges: ContainerPrivileges
    /// Where its `/tmp` is; nil for what suits the privileges: half the memory limit for a run, the layer for a build.
    public var temporary: ContainerTemporary?
    /// With `.build`: a TCP port on which a socket listens on 127.0.0.1 inside the container, served by the caller.
    public var gatewayPort: UInt16?
    /// With `.run`: whether ports of it are published, so that Ibid makes connections to its loopback.
    public var publishesPorts = false
    /// The OCI runtime: a name on PATH or an absolute path.
    public var runtime: String
    /// Whether the kernel places stack, heap and libraries at the same addresses every time.
    public var fixedAddresses = false
    /// Whether directories list their names in one order (by byte value), whatever the file system. It cannot be seen
    /// from inside, and costs some ten microseconds a listing.
    public var sortsDirectories = false
    /// On how many processors its threads may run; nil for all. Which ones differs from container to container.
    public var processors: Int?

    /// Makes a spec; what is left out is a run without limits and network.
    public init(
        workspace: FilePath, layers: [FilePath], command: [String], environment: [String: String] = [:],
        workingDirectory: String = "/", user: String = "", hostname: String = "ibid", binds: [ContainerBind] = [],
        directories: [String] = [], limits: ContainerLimits = ContainerLimits(),
        privileges: ContainerPrivileges = .run, temporary: ContainerTemporary? = nil, gatewayPort: UInt16? = nil,
        runtime: String = "crun"
    ) {
        self.workspace = workspace
        self.layers = layers
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.hostname = hostname
        self.binds = binds
        self.directories = directories
        self.limits = limits
        self.privileges = privileges
        self.temporary = temporary
        self.gatewayPort = gatewayPort
        self.runtime = runtime
    }

    /// Where `/tmp` is, with the default filled in.
    var effectiveTemporary: ContainerTemporary {
        temporary ?? (privileges == .run ? .memory(bytes: limits.temporaryBytes) : .layer)
    }

    /// Whether the sandbox makes the network namespace, so that Ibid can have a part in it.
    var makesNetwork: Bool { privileges == .build || publishesPorts }

    /// Refuses what no container could be made of.
    ///
    /// - Throws: `container-spec`, saying what.
    func validate() throws {
        func refuse(_ what: String) -> IbidError { IbidError("container-spec", what) }
        guard let program = command.first, !program.isEmpty else { throw refuse("there is no command to run") }
        let mounted =
            binds.map(\.target) + memoryMounts.map(\.target) + files.map(\.target) + sharedFiles.keys
            + devices.mounts.map(\.target)
        for path in [workingDirectory] + directories + mounted {
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                throw refuse("'\(path)' is not an absolute path without '..'")
            }
        }
        // The bytes end up in C strings, where a zero byte would cut them short.
        let variables = (Array(environment) + Array(secretEnvironment)).flatMap { [$0.key, $0.value] }
        for text in command + variables + mounted + [hostname, user, workingDirectory] {
            guard !text.utf8.contains(0) else { throw refuse("a zero byte in '\(text.prefix { $0 != "\0" })…'") }
        }
        for name in Array(environment.keys) + Array(secretEnvironment.keys) where name.isEmpty || name.contains("=") {
            throw refuse("'\(name)' cannot name an environment variable")
        }
        guard gatewayPort == nil || privileges == .build else { throw refuse("a run has no gateway") }
        guard !publishesPorts || privileges == .run else { throw refuse("a build step publishes no ports") }
    }
}

/// A file or directory of the host that a container sees. Its files appear with the ids they have on disk.
public struct ContainerBind: Hashable, Sendable {
    /// The file or directory on the host.
    public var source: FilePath
    /// The absolute path inside.
    public var target: String
    /// Whether the container can only read it.
    public var readOnly: Bool

    /// Makes a bind.
    public init(source: FilePath, target: String, readOnly: Bool = true) {
        self.source = source
        self.target = target
        self.readOnly = readOnly
    }
}

/// An empty file system in memory that a container sees; everybody may write there, as in `/tmp`.
public struct ContainerMemoryMount: Hashable, Sendable {
    /// The absolute path inside.
    public var target: String
    /// The most it can hold; nil for half of the memory limit.
    public var sizeBytes: Int64?

    /// Makes a mount.
    public init(target: String, sizeBytes: Int64? = nil) {
        self.target = target
        self.sizeBytes = sizeBytes
    }
}

/// A small file that a container sees, handed over in memory: its bytes never lie on a disk.
public struct ContainerFile: Hashable, Sendable {
    /// The largest: 500 KiB, as in BuildKit.
    public static let sizeLimit = 500 << 10

    /// The absolute path inside.
    public var target: String
    /// The bytes, at most `sizeLimit` of them.
    public var bytes: [UInt8]
    /// Permissions.
    public var mode: UInt32
    /// Owner, by the container's numbers.
    public var uid: UInt32
    /// Group.
    public var gid: UInt32

    /// Makes a file of the container's root.
    public init(target: String, bytes: [UInt8], mode: UInt32, uid: UInt32 = 0, gid: UInt32 = 0) {
        self.target = target
        self.bytes = bytes
        self.mode = mode
        self.uid = uid
        self.gid = gid
    }
}

/// What a container may use; nil is no limit.
public struct ContainerLimits: Hashable, Sendable {
    /// Memory of all processes together, files in `/tmp` and `/dev/shm` included.
    public var memoryBytes: Int64?
    /// Processor time per wall time, in thousandths of a core.
    public var cpuMillis: Int64?
    /// Processes and threads at one time.
    public var pids: Int64?
    /// Wall time in seconds.
    public var wallSeconds: Int64?
    /// Length of one file.
    public var fileBytes: Int64?
    /// Open descriptors per process.
    public var openFiles: Int64?
    /// Disk space of everything in the writable layer.
    public var writtenBytes: Int64?
    /// Files, links and directories in the writable layer.
    public var writtenFiles: Int64?

    /// Makes a set of limits.
    public init(
        memoryBytes: Int64? = nil, cpuMillis: Int64? = nil, pids: Int64? = nil, wallSeconds: Int64? = nil,
        fileBytes: Int64? = nil, openFiles: Int64? = nil, writtenBytes: Int64? = nil, writtenFiles: Int64? = nil
    ) {
        self.memoryBytes = memoryBytes
        self.cpuMillis = cpuMillis
        self.pids = pids
        self.wallSeconds = wallSeconds
        self.fileBytes = fileBytes
        self.openFiles = openFiles
        self.writtenBytes = writtenBytes
        self.writtenFiles = writtenFiles
    }

    /// Half of the memory limit, as the kernel gives a tmpfs half of the machine: what lies there counts as memory, and
    /// a full one must give an error before it gives an end.
    public var temporaryBytes: Int64 { max(1 << 20, (memoryBytes ?? 2 << 30) / 2) }
}

/// How much a container is trusted with.
public enum ContainerPrivileges: Hashable, Sendable {
    /// No capability, no way to gain one, a network namespace with nothing but a loopback.
    case run
    /// What Docker gives the root of a build step, inside a user namespace; a loopback with a gateway on it.
    case build
}

/// Where `/tmp` of a container is.
public enum ContainerTemporary: Hashable, Sendable {
    /// In memory, at most so large, gone with the container.
    case memory(bytes: Int64)
    /// In the writable layer, like everything else.
    case layer
}
