import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// A container whose files are in place: directories of the workspace, skeleton layer.
struct PreparedContainer {
    let user: ContainerUser
    /// Threads of this process and what starts containers, which count as the user's.
    private static let ownTasks: Int64 = 128
    private let spec: ContainerSpec
    private let binds: [ContainerBind]
    /// The text of the bundle's config.json. It lies on no disk: making and removing files takes longer, and it can
    /// hold a secret.
    private let config: String
    /// The uppermost of the layers.
    private var skeleton = FilePath()

    /// - Parameter stateDirectory: where workspaces are, and what containers share.
    init(_ spec: ContainerSpec, runtime: ContainerRuntime, stateDirectory: FilePath) throws {
        let stack = LayerStack(spec.layers)
        user =
            spec.keepsSkeleton
            ? try ContainerUser.known(spec.user, in: spec.layers) : try ContainerUser(spec.user, in: stack)
        let workspace = spec.workspace
        for name in ["upper", "work"] {
            try makeDirectories(workspace.appending(name))
            // The umask of whoever calls has no say in how the container's root directory looks.
            chmod(workspace.appending(name).string, 0o755)
        }
        // Nor has the moment: the container sees this directory's time as that of its root.
        let timed = cl_utimes_at(CL_AT_FDCWD, workspace.appending("upper").string, 0, 0)
        guard timed == 0 else { throw IbidError.system("set the time of", workspace.string, errorText(timed)) }
        // A build step may write what is nobody's: a mount keeps it out of the layer.
        let hosts = workspace.appending("hosts")
        if spec.privileges == .build { try TextFile.create(Array(Self.hosts(spec).utf8), at: hosts) }
        binds =
            spec.binds
            + (spec.privileges == .build ? [ContainerBind(source: hosts, target: "/etc/hosts", readOnly: false)] : [])
        self.spec = spec
        config = String(
            decoding: CanonicalJSON.bytes(try Bundle(spec: spec, user: user, binds: binds, runtime: runtime).config),
            as: UTF8.self)

        let parts = try skeletonParts()
        if spec.keepsSkeleton {
            skeleton = try SkeletonCache(stateDirectory: stateDirectory).directory(
                for: parts, layers: spec.layers, stack: stack, workspace: workspace)
        } else {
            if spec.privileges == .build, !isCovered(spec.workingDirectory) { try makeWorkingDirectory(in: stack) }
            skeleton = workspace.appending("skeleton")
            try makeDirectories(skeleton)
            chmod(skeleton.string, 0o755)
            try Skeleton.make(parts, in: skeleton, stack: stack)
        }
    }

    // As BuildKit has it: what the image does not have of the directory is the step's own, and stays.
    private func makeWorkingDirectory(in stack: LayerStack) throws {
        let resolution = try stack.resolve(spec.workingDirectory)
        var path = resolution.directories.last?.path ?? []
        let parts = resolution.missing.map { name in
            path.append(name)
            return Skeleton.Part.directory("/" + path.joined(separator: "/"), owner: user)
        }
        try Skeleton.make(parts, in: spec.workspace.appending("upper"), stack: stack, isNew: true)
    }

    private func skeletonParts() throws -> [Skeleton.Part] {
        var parts: [Skeleton.Part] = [.directory("/proc"), .directory("/dev")]
        // runc gives the file system in memory the mode of what it covers.
        if case .memory = spec.effectiveTemporary { parts.append(.directory("/tmp", mode: 0o1777)) }
        if spec.privileges == .run, !isCovered(spec.workingDirectory) {
            parts.append(.directory(spec.workingDirectory))
        }
        parts += spec.directories.map { .directory($0, owner: user) }
        let mounted =
            binds.map { (source: $0.source.string, target: $0.target) }
            + spec.devices.mounts.map { (source: $0.source, target: $0.target) }
        for (source, target) in mounted where !isCovered(target) {
            var status = stat()
            guard stat(source, &status) == 0 else { throw IbidError.system("find", source, lastError()) }
            parts.append(status.st_mode & S_IFMT == S_IFDIR ? .directory(target) : .file(target))
        }
        for memory in spec.memoryMounts where !isCovered(memory.target) { parts.append(.directory(memory.target)) }
        for file in spec.files where !isCovered(file.target) { parts.append(.file(file.target)) }
        parts += spec.sharedFiles.sorted { $0.key < $1.key }.map { .shared($0.key, bytes: $0.value) }
        return spec.privileges == .run ? parts + facts : parts
    }

    // Docker gives every container these lines; without them nothing resolves `localhost`.
    private static func hosts(_ spec: ContainerSpec) -> String {
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t\(spec.hostname)\n"
    }

    // What would be the machine's is the spec's. A mount of each file would show a path of the host in mountinfo.
    private var facts: [Skeleton.Part] {
        var parts: [Skeleton.Part] = [.file("/etc/hosts", content: Self.hosts(spec))]
        // The C library counts processors in /sys: os.cpu_count() is what the run may use, here and on any replay.
        guard let millis = spec.limits.cpuMillis else { return parts }
        let last = max(1, (millis + 999) / 1_000) - 1
        for name in ["online", "possible", "present"] {
            parts.append(.file("/sys/devices/system/cpu/" + name, content: last == 0 ? "0\n" : "0-\(last)\n"))
        }
        return parts
    }

    // The runtime itself makes mount points in the file systems that it has just mounted.
    private func isCovered(_ target: String) -> Bool {
        if target.hasPrefix("/dev/") || target.hasPrefix("/proc/") { return true }
        if case .memory = spec.effectiveTemporary { return target.hasPrefix("/tmp/") }
        return false
    }

    // The kernel does not stack a directory on itself (ELOOP). A layer can come again: a COPY, and a chmod that finds
    // the mode as it wants it. All its names are decided by its uppermost place, so the others can go.
    private var distinctLayers: [FilePath] {
        var seen: Set<FilePath> = []
        return spec.layers.reversed().filter { seen.insert($0).inserted }.reversed()
    }

    /// What the sandbox is told (plan.c).
    ///
    /// - Parameters:
    ///   - hide: the v2 tree of a host that has both, which crun does not start beside.
    ///   - join: files of control groups that the sandbox writes itself to.
    func plan(runtime: ContainerRuntime?, hide: FilePath?, join: [FilePath]) -> [String] {
        var plan = [
            "config=\(config)", "workspace=\(spec.workspace)",
            "first-id=\(ContainerUser.firstHostID)", "id-count=\(ContainerUser.idCount)",
        ]
        if !IDMap.current.isInitial { plan.append("nested=1") }
        plan += join.map { "join=\($0)" }
        if let runtime {
            plan.append("runtime=\(runtime.path)")
            plan += runtime.arguments(container: "ibid").map { "argument=" + $0 }
        }
        if let runtime, !runtime.isCrun {
            plan.append("lock-cgroups=1")
        } else if let hide {
            plan.append("hide=\(hide)")
        }
        // A step may become any of the image's users, each of whom has the limit to themselves.
        if let pids = spec.limits.pids, spec.privileges == .build, !IDMap.current.isInitial {
            plan.append("processes=\(pids + Self.ownTasks)")
        }
        if spec.sortsDirectories { plan.append("sorted-listings=1") }
        if spec.fixedAddresses { plan.append("fixed-addresses=1") }
        if let processors = spec.processors { plan.append("processors=\(processors)") }
        plan += distinctLayers.map { "layer=\($0)" }
        plan.append("layer=\(skeleton)")
        // A run learns nothing of where its inputs lie on the host.
        let readOnly = spec.privileges == .run ? "sealed=" : "read-only="
        plan += binds.map { ($0.readOnly ? readOnly : "writable=") + $0.source.string }
        plan += spec.files.map {
            "file=\(String($0.mode & 0o7777, radix: 8)):\($0.uid):\($0.gid):\(Hex.encode($0.bytes))"
        }
        if spec.makesNetwork { plan.append("own-network=1") }
        if let port = spec.gatewayPort { plan.append("gateway-port=\(port)") }
        if spec.publishesPorts { plan.append("hand-network=1") }
        return plan
    }
}
