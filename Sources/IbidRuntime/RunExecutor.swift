import Glibc
public import IbidContainer
import IbidCrypto
public import IbidLayer
public import IbidModel
public import IbidStore
public import SystemPackage

/// Evaluates run specs: the same spec, the same result, as far as the analysis itself is deterministic.
public struct RunExecutor: Sendable {
    private let store: Store
    private let layers: LayerCache
    private let host: ContainerHost
    private let deviceSpecs: [FilePath]

    /// An executor that takes blobs from a store and puts results there.
    ///
    /// - Parameter deviceSpecs: where devices are described.
    public init(
        store: Store, layers: LayerCache, host: ContainerHost,
        deviceSpecs: [FilePath] = DeviceCatalog.standardDirectories
    ) {
        self.deviceSpecs = deviceSpecs
        self.store = store
        self.layers = layers
        self.host = host
    }

    /// A closure that is shown what the command writes, as it writes it; called on a thread of its own.
    public typealias LiveSink = @Sendable (UnsafeRawBufferPointer) -> Void

    /// Runs a spec once.
    ///
    /// Every blob that it needs is checked first. When this returns, outputs, stdout and stderr are in the store and on
    /// disk; a crash before that leaves blobs that nothing refers to. The caller removes the workspace.
    ///
    /// - Parameters:
    ///   - workspace: an existing, empty directory of this run.
    ///   - stdout: shown what the command writes to stdout.
    ///   - stderr: the same.
    ///   - ports: connects ports of this host to the run's, when the spec has any.
    ///   - stop: ends the run when it is thrown; it is then recorded as killed.
    ///   - ready: called once when everything that the run needs is there, while its container is being made: the command
    ///     starts when it has returned, and never when it throws.
    ///   - override: replaces what the spec's profile says of addresses and processors; for finding out what matters.
    /// - Throws: `missing-blob` or `corrupt-blob` naming the blob, or what kept the container from starting. A run that
    ///   fails or is killed is a result.
    public func run(
        _ spec: RunSpec, workspace: FilePath, stdout: LiveSink? = nil, stderr: LiveSink? = nil,
        ports: PortForwarder? = nil, stop: ContainerStop? = nil, setup override: ExecutionSetup? = nil,
        ready: () throws -> Void = {}
    ) throws -> (result: RunResult, measurement: RunMeasurement) {
        let directories = try imageLayers(spec)
        let setup = override ?? ExecutionSetup(spec)
        let full = try ContainerStop()
        let streams = StreamBudget(limit: spec.limits.outputBytes, full: full)
        let (out, err) = (
            StreamRecorder(store: store, budget: streams, live: stdout),
            StreamRecorder(store: store, budget: streams, live: stderr)
        )
        let stack = LayerStack(directories)
        let profile = try ProfileFiles(spec: spec, setup: setup, host: host, image: stack)
        var container = ContainerSpec(
            workspace: workspace, layers: directories, command: spec.command,
            environment: CPUPins.environment(spec.environment, level: spec.cpu, on: Machine.level),
            workingDirectory: spec.workingDirectory, user: spec.user, binds: try inputs(spec),
            directories: [OutputRoots.outputs, spec.workingDirectory],
            limits: ContainerLimits(
                memoryBytes: spec.limits.memoryBytes, cpuMillis: spec.limits.cpuMillis, pids: spec.limits.pids,
                wallSeconds: spec.limits.wallSeconds,
                // One byte more, so that a file which was cut off is seen to go beyond the limit.
                fileBytes: spec.limits.outputBytes + 1, openFiles: spec.limits.openFiles,
                writtenBytes: spec.limits.outputBytes, writtenFiles: spec.limits.outputFiles),
            temporary: keepsTemporaryFiles(spec) ? .layer : nil, runtime: spec.runtime)
        container.keepsSkeleton = true
        container.publishesPorts = spec.ports != nil
        container.fixedAddresses = setup.fixedAddresses
        container.processors = setup.processors
        container.sortsDirectories = spec.sortsDirectories == true
        (container.files, container.sharedFiles) = (profile.files, profile.sharedFiles)
        if let devices = spec.devices {
            container.devices = try DeviceCatalog(directories: deviceSpecs).devices(devices)
        }
        let began = StrictCost.Moment()
        let outcome = try host.run(
            container, stdout: { out.add($0) }, stderr: { err.add($0) }, ports: ports,
            stops: [full] + (stop.map { [$0] } ?? []), ready: ready)
        let (stdoutDigest, stderrDigest) = (try out.finish(), try err.finish())

        var collector = try OutputCollector(spec: spec, store: store, used: streams.used)
        try collector.collect(
            OutputRoots(
                upper: workspace.appending("upper"),
                workingDirectory: try stack.realPath(spec.workingDirectory),
                home: try spec.environment["HOME"].map(stack.realPath) ?? []))
        let result = Self.result(
            outcome.ending, collector, stdout: stdoutDigest, stderr: stderrDigest)
        let measurement = RunMeasurement(
            startedAt: outcome.startedAt, finishedAt: .now, wallMicroseconds: outcome.wallMicroseconds,
            cpuMicroseconds: outcome.cpuMicroseconds, peakMemoryBytes: outcome.peakMemoryBytes,
            host: HostFacts.current.merging(Self.facts(outcome)) { $1 }.merging(profile.facts) { $1 }
                .merging(Self.facts(ports)) { $1 },
            refusedOutputs: collector.refused, writtenBytes: outcome.writtenBytes,
            limitsReached: outcome.limitsReached,
            strictCost: spec.determinism != .strict
                ? nil
                : StrictCost.read(
                    upper: workspace.appending("upper"), since: began, cpuMicroseconds: outcome.cpuMicroseconds))
        return (result, measurement)
    }

    private static func result(
        _ ending: ContainerOutcome.Ending, _ collector: OutputCollector, stdout: Digest, stderr: Digest
    ) -> RunResult {
        let outputs = collector.outputs
        switch (ending, collector.exceeded) {
        case (.killed(let reason), _), (.exited, let reason?):
            return RunResult(
                status: .killed, exitCode: nil, reason: reason, outputs: outputs, stdout: stdout, stderr: stderr)
        case (.exited(let code), nil):
            return RunResult(
                status: code == 0 ? .succeeded : .failed, exitCode: code, outputs: outputs, stdout: stdout,
                stderr: stderr)
        }
    }

    private static func facts(_ outcome: ContainerOutcome) -> [String: String] {
        let isolation = outcome.isolation
        var facts = ["isolation": isolation["level"] ?? "unknown"]
        facts["runtime"] = [isolation["runtime"], isolation["runtimeVersion"]].compactMap(\.self).joined(separator: " ")
        facts["cgroup"] = isolation["cgroup"]
        facts["limits"] = isolation["limits"]
        facts["seccomp"] = isolation["seccomp"]
        facts["directories"] = outcome.unsortedReason.map { "in the file system's order: \($0)" }
        return facts
    }

    /// What was published where, and whether anybody came.
    private static func facts(_ ports: PortForwarder?) -> [String: String] {
        guard let ports else { return [:] }
        return [
            "published": ports.ports.map(\.description).joined(separator: " "), "connections": "\(ports.connections)",
        ]
    }

    // MARK: What the container sees

    private func imageLayers(_ spec: RunSpec) throws -> [FilePath] {
        let manifest = try store.manifest(spec.image)
        let config = try store.imageConfig(manifest)
        let platform = "\(config.os)/\(config.architecture)"
        guard platform == spec.platform, spec.platform == HostFacts.platform else {
            throw IbidError.platform(image: platform, spec: spec.platform)
        }
        if let level = spec.cpu, Machine.level?.covers(level) != true { throw IbidError.processor(level) }
        return try config.rootfs.diffIDs.map { try layers.directory(for: $0) }
    }

    private func inputs(_ spec: RunSpec) throws -> [ContainerBind] {
        try spec.inputs.sorted { $0.key < $1.key }.map { name, input in
            guard !name.isEmpty, !name.contains("/"), name != ".", name != "..", !name.utf8.contains(0) else {
                throw IbidError.inputName(name)
            }
            try store.verify(input.digest)
            // A mount that can only be read: the blob itself is never within the container's reach.
            let source =
                switch input.kind {
                case .file: store.path(of: input.digest)
                case .directory: try layers.directory(for: input.digest)
                }
            return ContainerBind(source: source, target: "/inputs/\(name)", readOnly: true)
        }
    }

    // What lies in memory is gone with the container, and so would be the outputs of who works there.
    private func keepsTemporaryFiles(_ spec: RunSpec) -> Bool {
        spec.workingDirectory.split(separator: "/").first == "tmp"
    }
}
