import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// A container whose files are in place: directories of the workspace, skeleton layer, bundle.
struct PreparedContainer {
    let user: ContainerUser
    private let spec: ContainerSpec
    private let binds: [ContainerBind]

    /// The sandbox and the runtime, one thread each, while the command runs.
    static let ownProcesses: Int64 = 2

    init(_ spec: ContainerSpec) throws {
        let stack = LayerStack(spec.layers)
        user = try ContainerUser(spec.user, in: stack)
        let workspace = spec.workspace
        for name in ["upper", "work", "skeleton", "bundle"] {
            try makeDirectories(workspace.appending(name))
            // The umask of whoever calls has no say in how the container's root directory looks.
            chmod(workspace.appending(name).string, 0o755)
        }
        // Nor has the moment: the container sees this directory's time as that of its root.
        let timed = cl_utimes_at(CL_AT_FDCWD, workspace.appending("upper").string, 0, 0)
        guard timed == 0 else { throw IbidError.system("set the time of", workspace.string, errorText(timed)) }
        // Docker gives every container these lines; without them nothing resolves `localhost`.
        let hosts = workspace.appending("bundle/hosts")
        try TextFile.create(
            Array(
                "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t\(spec.hostname)\n".utf8),
            at: hosts)
        binds = spec.binds + [ContainerBind(source: hosts, target: "/etc/hosts", readOnly: spec.privileges == .run)]
        self.spec = spec

        var skeleton = Skeleton(root: workspace.appending("skeleton"), stack: stack)
        for path in ["/proc", "/dev"] { try skeleton.directory(path) }
        if case .memory = spec.effectiveTemporary { try skeleton.directory("/tmp") }
        if !isCovered(spec.workingDirectory) { try skeleton.directory(spec.workingDirectory) }
        for path in spec.directories { try skeleton.directory(path, owner: user) }
        for bind in binds where !isCovered(bind.target) {
            var status = stat()
            guard stat(bind.source.string, &status) == 0 else {
                throw IbidError.system("find", bind.source.string, lastError())
            }
            if status.st_mode & S_IFMT == S_IFDIR {
                try skeleton.directory(bind.target)
            } else {
                try skeleton.file(bind.target)
            }
        }
        try skeleton.finish()
        let bundle = Bundle(spec: spec, user: user, binds: binds)
        try TextFile.create(
            CanonicalJSON.bytes(try bundle.config), at: workspace.appending("bundle/config.json"))
    }

    // The runtime itself makes mount points in the file systems that it has just mounted.
    private func isCovered(_ target: String) -> Bool {
        if target.hasPrefix("/dev/") || target.hasPrefix("/proc/") { return true }
        if case .memory = spec.effectiveTemporary { return target.hasPrefix("/tmp/") }
        return false
    }

    /// What the sandbox is told (plan.c).
    func plan(runtime: FilePath?, hide: FilePath?) -> [String] {
        var plan = [
            "container=ibid", "bundle=\(spec.workspace.appending("bundle"))", "workspace=\(spec.workspace)",
            "first-id=\(ContainerUser.firstHostID)", "id-count=\(ContainerUser.idCount)",
        ]
        if !IDMap.current.isInitial { plan.append("nested=1") }
        if let runtime { plan.append("runtime=\(runtime)") }
        if let hide { plan.append("hide=\(hide)") }
        plan += spec.layers.map { "layer=\($0)" }
        plan.append("layer=\(spec.workspace.appending("skeleton"))")
        plan += binds.map { ($0.readOnly ? "read-only=" : "writable=") + $0.source.string }
        if spec.privileges == .build {
            plan.append("own-network=1")
            if let port = spec.gatewayPort { plan.append("gateway-port=\(port)") }
        }
        return plan
    }
}
