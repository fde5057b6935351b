import Glibc
import IbidContainer
import IbidImage
import IbidJob
import IbidLayer
import IbidLedger
public import IbidModel
import IbidRuntime
import IbidSource
import IbidStore
import SystemPackage

extension Engine {
    /// Runs a job and records it: snapshot, build, execute, append.
    ///
    /// A run of the same spec and commit that succeeded before answers in its place, unless the request is `fresh`.
    ///
    /// - Returns: the recorded run. An analysis that fails or is killed is a recorded run too, not an error.
    /// - Throws: `IbidError` when there is nothing to run or Ibid could not run it; nothing is recorded then, except
    ///   an intent when execution had begun.
    public func submit(_ request: SubmitRequest, events: @escaping EventSink) throws -> RunReport {
        let prepared = try prepare(request, events: events)
        return try run(prepared, request, params: request.params, events: events)
    }

    /// A job whose image is built: what all of its runs share.
    struct PreparedJob: Sendable {
        var snapshot: SourceSnapshot
        var job: JobSpec
        var name: String
        var build: ImageBuild
    }

    func prepare(_ request: SubmitRequest, events: @escaping EventSink) throws -> PreparedJob {
        let snapshot = try snapshot(request)
        events(.snapshot(snapshot))
        let job = try loadJob(snapshot)
        _ = try job.setting(params: request.params)  // what is misspelled is said before anything is built
        let name = try name(of: job, request, snapshot)
        let build = try build(snapshot, name: name, request, events: events)
        return PreparedJob(snapshot: snapshot, job: job, name: name, build: build)
    }

    /// One run of a prepared job: the recorded one if there is one, or a new one.
    func run(
        _ prepared: PreparedJob, _ request: SubmitRequest, params: [String: String], events: @escaping EventSink
    ) throws -> RunReport {
        let build = prepared.build
        let image = try store.imageConfig(try store.manifest(build.image))
        let spec = try makeSpec(
            request, job: try prepared.job.setting(params: params), image: image, build: build,
            source: prepared.snapshot.layer)
        let facts = RunFacts(
            run: try moment.runID(), job: prepared.name, source: prepared.snapshot, build: build,
            spec: spec, specDigest: try store.put(canonical: spec), image: build.image, lock: build.lock,
            recipe: build.recipe, startedAt: moment.now())
        if request.ports.isEmpty {
            let exposed = (image.config?.exposedPorts ?? [:]).keys.sorted()
            if let port = exposed.first {
                let text = "the image exposes port \(port), which nothing outside reaches"
                events(.warning("\(text); -p \(port) publishes it"))
            }
        } else {
            return try serve(facts, request, events: events)
        }
        if !request.fresh, var earlier = try reusableRun(facts) {
            earlier.build = build
            if let stdout = earlier.stdout { events(.stdout(try store.read(stdout))) }
            if let stderr = earlier.stderr { events(.stderr(try store.read(stderr))) }
            events(.runFinished(earlier))
            return earlier
        }
        return try execute(facts, events: events)
    }

    /// A run that others reach through ports of this host.
    private func serve(_ facts: RunFacts, _ request: SubmitRequest, events: @escaping EventSink) throws -> RunReport {
        // What another program has is said before the run begins.
        let ports = try PortForwarder(request.ports) {
            events(.listening($0, wallSeconds: facts.spec.limits.wallSeconds))
        }
        return try execute(facts, ports: ports, events: events)
    }

    /// Builds a job's image without running it.
    public func buildImage(_ request: SubmitRequest, events: @escaping EventSink) throws -> ImageBuild {
        let snapshot = try snapshot(request)
        events(.snapshot(snapshot))
        let job = try loadJob(snapshot)
        return try build(snapshot, name: try name(of: job, request, snapshot), request, events: events)
    }

    /// Builds a job's image twice from nothing, with surroundings that differ, and enters what came of each step.
    ///
    /// - Returns: the build with its verdicts; a step that is not reproduced is no error.
    public func verifyImage(_ request: SubmitRequest, events: @escaping EventSink) throws -> ImageBuild {
        let snapshot = try snapshot(request)
        events(.snapshot(snapshot))
        let job = try loadJob(snapshot)
        let name = try name(of: job, request, snapshot)
        if stopsOnSignals { try stop.throwOnSignals() }
        let build = try make(snapshot, name: name, request, events: events) { builder, options, progress in
            try builder.verify(
                snapshot: snapshot, options: options, ownsProcess: stopsOnSignals, stop: stop, progress: progress)
        }
        events(.image(build))
        _ = try ledger.append(build.statement(of: snapshot, changes: request.build, at: moment.now()))
        return build
    }

    /// The same without a word in the ledger.
    func buildUnrecorded(
        _ request: SubmitRequest, events: @escaping EventSink, change: (inout ImageBuildOptions) -> Void
    ) throws -> ImageBuild {
        let snapshot = try snapshot(request)
        let job = try loadJob(snapshot)
        if stopsOnSignals { try stop.throwOnSignals() }
        return try make(snapshot, name: try name(of: job, request, snapshot), request, events: events, change: change) {
            builder, options, progress in
            try builder.build(snapshot: snapshot, options: options, stop: stop, progress: progress)
        }
    }

    // MARK: Steps

    func snapshot(_ request: SubmitRequest) throws -> SourceSnapshot {
        var (directory, revision) = (request.directory, request.revision)
        if let remote = RemoteRepository(request.place) {
            directory = try remote.fetch(into: home.cache)
            if !remote.subdirectory.isEmpty { directory.append(remote.subdirectory) }
            revision = request.revision ?? remote.revision ?? "HEAD"
        } else if revision == nil, access(directory.string, F_OK) != 0 {
            // With a revision the directory may exist in that commit alone.
            throw IbidError(
                "directory-not-found", "there is no directory '\(directory)'",
                hint: "name the directory that holds the job, inside a git repository", exit: .notFound)
        }
        return try SourceRepository.open(containing: directory).snapshot(
            directory: directory, revision: revision, allowDirty: request.allowDirty, store: store)
    }

    private func loadJob(_ snapshot: SourceSnapshot) throws -> JobSpec {
        let name = "job.toml"
        guard
            let bytes = try SourceArchive.file(name, of: snapshot.layer, in: store, limit: JobFile.sizeLimit)
        else { return JobSpec() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw IbidError("not-text", "\(name) is not UTF-8 text")
        }
        return try JobFile.parse(text, file: name)
    }

    private func make(
        _ snapshot: SourceSnapshot, name: String, _ request: SubmitRequest, events: @escaping EventSink,
        change: (inout ImageBuildOptions) -> Void = { _ in },
        build: (ImageBuilder, ImageBuildOptions, @escaping (ImageBuildEvent) -> Void) throws -> ImageBuild
    ) throws -> ImageBuild {
        let builder = ImageBuilder(store: store, layers: layers, host: containers, cache: home.cache)
        var options = ImageBuildOptions(
            ref: Self.imageName(name, snapshot.tree), dockerfile: request.build.dockerfile,
            target: request.build.target, arguments: request.build.arguments,
            runtime: request.runtime, usesCache: request.build.usesCache)
        options.platform = request.build.platform
        options.registry = request.build.registry
        options.secrets = request.build.secrets.mapValues { BuildSecret(bytes: $0) }
        change(&options)
        let translated = BuildEvents(events)
        return try build(builder, options) { translated.send($0) }
    }

    private func build(
        _ snapshot: SourceSnapshot, name: String, _ request: SubmitRequest, events: @escaping EventSink
    ) throws -> ImageBuild {
        if stopsOnSignals { try stop.throwOnSignals() }
        let build = try make(snapshot, name: name, request, events: events) { builder, options, progress in
            try builder.build(snapshot: snapshot, options: options, stop: stop, progress: progress)
        }
        events(.image(build))
        // One statement says how an image came from a source; building it again from the cache says nothing new.
        if try ledger.imageStatement(for: build.image)?.names(build.source) != true {
            _ = try ledger.append(build.statement(of: snapshot, changes: request.build, at: moment.now()))
        }
        return build
    }

    private func makeSpec(
        _ request: SubmitRequest, job: JobSpec, image: OCI.ImageConfig, build: ImageBuild, source: Digest
    ) throws -> RunSpec {
        let execution = image.config ?? OCI.Execution()
        let words = try JobCommand.resolve(image: execution, job: job.command, override: request.command)
        let epoch = image.created.flatMap { Timestamp($0) } ?? Timestamp(seconds: 315_532_800)
        let command = try job.command == nil ? words : Placeholders.substitute(words, params: job.params)
        let workingDirectory = execution.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
        let profile = request.determinism ?? job.determinism
        let cpu = try level(of: request.cpu ?? job.cpu, profile: profile)
        func environment(_ pins: CPUPins?) -> [String: String] {
            RunEnvironment.make(
                image: execution.env ?? [], job: job.environment, params: job.params, epoch: epoch, profile: profile,
                pins: pins)
        }
        let pins = try cpu.map { level in
            let layers = LayerStack(try image.rootfs.diffIDs.map { try self.layers.directory(for: $0) })
            return CPUPins(
                level,
                numpy: try InstalledNumpy.names(
                    image: layers, environment: environment(nil), command: command, workingDirectory: workingDirectory))
        }
        return RunSpec(
            image: build.image, platform: "\(image.os)/\(image.architecture)", command: command,
            workingDirectory: workingDirectory, user: execution.user ?? "", environment: environment(pins),
            params: job.params,
            inputs: try JobInputs(store: store, source: { try layers.directory(for: source) })
                .resolve(job.inputs, overrides: request.inputs),
            outputs: job.outputs, limits: request.limits.applied(to: job.limits), compare: job.compare,
            determinism: profile, cpu: cpu, sortsDirectories: profile == .none ? nil : true,
            runtime: request.runtime,
            devices: try (request.gpus ?? job.gpus).map { try DeviceCatalog().resolve($0) },
            ports: request.ports.isEmpty ? nil : Set(request.ports.map { Int($0.container) }).sorted())
    }

    /// The processor level of a run: what it asks for, or the machine's; `strict` is for bits that are the same anywhere.
    private func level(of wish: CPUWish?, profile: DeterminismProfile) throws -> CPULevel? {
        if profile == .none {
            guard wish == nil else { throw IbidError.levelWithoutProfile() }
            return nil
        }
        switch wish {
        case .level(let level):
            guard Machine.level?.covers(level) == true else { throw IbidError.levelTooHigh(level, Machine.level) }
            return level
        case .native: return Machine.level
        case nil: return profile == .strict ? Machine.level?.portable : Machine.level
        }
    }

    /// `job:tree`, in the letters that image names may have.
    private static func imageName(_ job: String, _ tree: GitObjectID) -> String {
        var name = ""
        for character in job.lowercased() {
            let plain = character.isASCII && (character.isLetter || character.isNumber)
            if plain { name.append(character) } else if let last = name.last, last != "-" { name.append("-") }
        }
        while name.last == "-" { name.removeLast() }
        return (name.isEmpty ? "job" : name) + ":" + tree.hex.prefix(12)
    }

    private func name(of job: JobSpec, _ request: SubmitRequest, _ snapshot: SourceSnapshot) throws -> String {
        if let name = job.name { return name }
        if let last = FilePath(snapshot.subdirectory).lastComponent { return last.string }
        let stem = Home(request.directory).root.stem ?? "job"
        return stem.isEmpty ? "job" : stem
    }

    /// The newest run of this spec and commit that succeeded and whose bytes are all still there.
    private func reusableRun(_ facts: RunFacts) throws -> RunReport? {
        for named in try ledger.entries(naming: facts.specDigest).reversed() where named.role == "dependency" {
            guard case .run(let run) = try ledger.entry(at: named.leafIndex).kind else { continue }
            var report = try self.report(for: run)
            guard report.spec == facts.specDigest, report.status == .succeeded,
                report.source.commit == facts.source.commit,
                report.source.tree == facts.source.tree, report.source.dirty == facts.source.dirty,
                (report.outputs.map(\.digest) + [report.stdout, report.stderr].compactMap { $0 })
                    .allSatisfy({ store.contains($0) })
            else { continue }
            report.cached = true
            return report
        }
        return nil
    }

    private func execute(
        _ facts: RunFacts, ports: PortForwarder? = nil, events: @escaping EventSink
    ) throws -> RunReport {
        // What the machine cannot give is refused before the run begins.
        try containers.requireIsolation()
        let workspace = try RunWorkspace(home: home, run: facts.run)
        let (result, measurement): (RunResult, RunMeasurement)
        do {
            (result, measurement) = try start(facts, ports: ports, in: workspace, events: events)
        } catch {
            workspace.release()
            throw error
        }
        // Outputs and streams are in the store.
        return try workspace.release {
            let statement = facts.outcome(result, digest: try store.put(canonical: result), measurement)
            let position = try ledger.append(statement)
            var report = try RunReport(
                statement: statement, ledger: LedgerReference(position), store: store, outputs: result.outputs)
            report.build = facts.build
            events(.runFinished(report))
            return report
        }
    }

    private func start(
        _ facts: RunFacts, ports: PortForwarder?, in workspace: RunWorkspace, events: @escaping EventSink
    ) throws -> (RunResult, RunMeasurement) {
        var intent = Entering.before
        do {
            return try RunExecutor(store: store, layers: layers, host: containers).run(
                facts.spec, workspace: workspace.directory, stdout: { events(.stdout(Array($0))) },
                stderr: { events(.stderr(Array($0))) }, ports: ports, stop: stop
            ) {
                // On disk before the command starts; what comes before that, its container, is made at the same time.
                intent = .failed
                _ = try ledger.append(facts.intent())
                intent = .done
                if stopsOnSignals { try stop.throwOnSignals() }
                events(.runStarted(facts.run, command: facts.spec.command))
            }
        } catch let error as IbidError {
            // A run that Ibid could not start is a fact like any other; that it could not be entered is none.
            if intent == .before { _ = try ledger.append(facts.intent()) }
            if intent != .failed { try enterRefusal(facts, error) }
            throw error
        }
    }

    private enum Entering {
        case before
        case failed
        case done
    }

    private func enterRefusal(_ facts: RunFacts, _ error: IbidError) throws {
        let empty = try store.put([])
        let result = RunResult(
            status: .refused, exitCode: nil, reason: error.message, outputs: [], stdout: empty, stderr: empty)
        let now = moment.now()
        let measurement = RunMeasurement(
            startedAt: facts.startedAt, finishedAt: now, wallMicroseconds: 0, cpuMicroseconds: 0, peakMemoryBytes: nil,
            host: [:])
        _ = try ledger.append(facts.outcome(result, digest: try store.put(canonical: result), measurement))
    }
}

extension IbidError {
    static func levelTooHigh(_ wanted: CPULevel, _ machine: CPULevel?) -> IbidError {
        IbidError(
            "cpu-level",
            "the job wants the processor level \(wanted.rawValue), and this machine has \(machine?.rawValue ?? "none")",
            hint: "take a lower level ('native' is the machine's own), or another machine")
    }

    static func levelWithoutProfile() -> IbidError {
        IbidError(
            "cpu-level", "a processor level needs a profile that holds libraries to it, and the profile is 'none'",
            hint: "take 'default' or 'strict'", exit: .usage)
    }
}
