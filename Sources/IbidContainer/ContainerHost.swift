public import IbidModel
public import SystemPackage

import CLinux
import Glibc
import IbidStore
import Synchronization

/// Runs containers on this machine, each in a sandbox process of its own.
public struct ContainerHost: Sendable {
    /// The program that enters namespaces and mounts.
    public let sandbox: FilePath
    /// The directory whose subdirectories are the workspaces of containers.
    public let stateDirectory: FilePath

    /// The weakest level of isolation that will do; a container that would be held worse is not started.
    public var minimumIsolation: IsolationLevel?
    var isProbing = false
    /// Shared by all copies.
    let known = Known()

    /// What one process finds out once.
    final class Known: Sendable {
        /// That containers start here.
        let starts = Mutex(false)
        /// A user namespace that maps the ids of containers, which is the same for all.
        let idMap = Mutex<Int32?>(nil)

        deinit {
            if let descriptor = idMap.withLock({ $0 }) { close(descriptor) }
        }

        /// Takes a user namespace over.
        func keep(idMap descriptor: Int32) {
            let isNew = idMap.withLock { kept in
                if kept == nil { kept = descriptor }
                return kept == descriptor
            }
            if !isNew { close(descriptor) }
        }
    }

    /// A host that uses a sandbox program and keeps workspaces in a directory.
    public init(sandbox: FilePath, stateDirectory: FilePath) {
        self.sandbox = sandbox
        self.stateDirectory = stateDirectory
    }

    /// Finds ibid-sandbox: beside the running program, or in `../libexec/ibid` from there.
    ///
    /// - Throws: `sandbox-missing`, naming both places.
    public static func locateSandbox() throws -> FilePath {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = cl_readlink_at(CL_AT_FDCWD, "/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw IbidError.system("read", "/proc/self/exe", errorText(count)) }
        let beside = FilePath(String(decoding: buffer.prefix(count), as: UTF8.self)).removingLastComponent()
        let places = [
            beside.appending("ibid-sandbox"),
            beside.removingLastComponent().appending("libexec/ibid/ibid-sandbox"),
        ]
        for place in places where access(place.string, X_OK) == 0 {
            let initProgram = place.removingLastComponent().appending("ibid-init")
            guard access(initProgram.string, R_OK) == 0 else { throw IbidError.sandboxMissing([initProgram]) }
            return place
        }
        throw IbidError.sandboxMissing(places)
    }

    /// The library that strict runs have preloaded, beside the sandbox program.
    ///
    /// - Throws: `strict-missing`, naming the place.
    public func strictLibrary() throws -> FilePath {
        let place = sandbox.removingLastComponent().appending("ibid-strict")
        guard access(place.string, R_OK) == 0 else {
            throw IbidError(
                "strict-missing", "\(place) is missing, which runs with determinism = \"strict\" need",
                hint: "build ibid whole: 'swift build --product ibid' makes it too")
        }
        return place
    }

    /// Runs one container to its end.
    ///
    /// When this returns or throws, no process, mount or cgroup of it is left. `workspace/upper` then holds what was
    /// written, with the container's ids as plain numbers. The caller removes the workspace.
    ///
    /// - Parameters:
    ///   - stdout: gets what the command writes, on a thread of its own, one call at a time.
    ///   - stderr: the same.
    ///   - gateway: with `gatewayPort`, called once, on a thread of its own, with the listening socket. It should
    ///     accept until that fails: the socket is shut down when the container has ended, and this function waits for
    ///     the closure and then closes the socket.
    ///   - ports: with `publishesPorts`, what connects ports of this host to it.
    ///   - stops: switches that end the container when one is thrown.
    ///   - ready: called once, while the container is being made: the command starts when this has returned, and never
    ///     when it throws.
    /// - Throws: what `ready` throws; `IbidError` when the container could not be started or watched. A command that fails is an outcome.
    public func run(
        _ spec: ContainerSpec, stdout: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        stderr: @escaping @Sendable (UnsafeRawBufferPointer) -> Void,
        gateway: (@Sendable (Int32) -> Void)? = nil, ports: PortForwarder? = nil, stops: [ContainerStop] = [],
        ready: () throws -> Void = {}
    ) throws -> ContainerOutcome {
        let level = try isProbing ? Self.level() : requireIsolation()
        try spec.validate()
        let runtime = try ContainerRuntime(spec.runtime)
        let layout = try CgroupLayout.current()
        try Owner.current.mark(spec.workspace)
        let prepared = try PreparedContainer(spec, runtime: runtime, stateDirectory: stateDirectory)
        let group = try ControlGroup(name: Owner.current.groupName(spec.workspace), layout: layout)
        try group.apply(spec.limits, ownProcesses: runtime.ownProcesses)
        let owner = (
            uid: ContainerUser.firstHostID + prepared.user.uid, gid: ContainerUser.firstHostID + prepared.user.gid
        )
        let out = try OutputPipe(owner: owner, sink: stdout)
        defer { out.finish() }
        let err = try OutputPipe(owner: owner, sink: stderr)
        defer { err.finish() }
        let process = try SandboxProcess(
            program: sandbox, plan: prepared.plan(runtime: runtime, hide: layout.hybridTree, join: group.joinFiles),
            stdout: out.writer, stderr: err.writer, idMap: known.idMap.withLock { $0 })
        out.closeWriter()
        err.closeWriter()
        let disk = try diskWatch(spec, group)
        defer { disk?.end() }
        let watch = ContainerWatch(
            process: process, group: group, gateway: gateway, ports: ports, stops: stops, pipes: [out, err],
            disk: disk, spec: spec, keep: known.keep(idMap:))
        // A runtime that may not hand the init its descriptor makes a command that does not wait.
        if !runtime.handsDescriptorsOn { try ready() }
        var outcome = try watch.run { if runtime.handsDescriptorsOn { try ready() } }
        outcome.isolation = [
            "level": level.rawValue, "runtime": runtime.name,
            "runtimeVersion": try runtime.version(keptIn: stateDirectory),
            "cgroup": layout.roots.isEmpty ? "none" : layout.version.rawValue, "limits": group.enforcement.text,
            "seccomp": SystemCalls.name,
            "ids": "\(ContainerUser.firstHostID)+\(ContainerUser.idCount)",
        ]
        return outcome
    }

    private func diskWatch(_ spec: ContainerSpec, _ group: ControlGroup) throws -> DiskWatch? {
        guard spec.limits.writtenBytes != nil || spec.limits.writtenFiles != nil else { return nil }
        let groups = group.directories
        return try DiskWatch(upper: spec.workspace.appending("upper"), limits: spec.limits) {
            ControlGroup.processes(in: groups)
        }
    }
}
