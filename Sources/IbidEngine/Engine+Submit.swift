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
        let facts = try facts(of: prepared, request, params: request.params)
        guard request.ports.isEmpty else { return try serve(facts, request, events: events) }
        if let port = (prepared.image.config?.exposedPorts ?? [:]).keys.min() {
            let text = "the image exposes port \(port), which nothing outside reaches"
            events(.warning("\(text); -p \(port) publishes it"))
        }
        if !request.fresh, let earlier = try reusableRun(facts) {
            if let stdout = earlier.stdout { events(.stdout(try store.read(stdout))) }
            if let stderr = earlier.stderr { events(.stderr(try store.read(stderr))) }
            events(.runFinished(earlier))
            return earlier
        }
        return try execute(facts, events: events)
    }

    func prepare(_ request: SubmitRequest, events: @escaping EventSink) throws -> PreparedJob {
        let snapshot = try snapshot(request)
        events(.snapshot(snapshot))
        let job = try loadJob(snapshot)
        _ = try job.setting(params: request.params)  // what is misspelled is said before anything is built
        let name = try name(of: job, request, snapshot)
        let build = try build(snapshot, name: name, request, events: events)
        let image = try store.imageConfig(try store.manifest(build.image))
        let files = LayerStack(try image.rootfs.diffIDs.map { try layers.directory(for: $0) })
        return PreparedJob(
            snapshot: snapshot, job: job, name: name, build: build, image: image,
            home: try files.home(of: image.config?.user ?? ""))
    }

    /// What one run of a prepared job will be.
    func facts(of prepared: PreparedJob, _ request: SubmitRequest, params: [String: String]) throws -> RunFacts {
        let build = prepared.build
        let spec = try makeSpec(request, job: try prepared.job.setting(params: params), of: prepared)
        return RunFacts(
            run: try moment.runID(), job: prepared.name, source: prepared.snapshot, build: build,
            spec: spec, specDigest: try store.put(canonical: spec), image: build.image, lock: build.lock,
            recipe: build.recipe, startedAt: moment.now())
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

    private func makeSpec(_ request: SubmitRequest, job: JobSpec, of prepared: PreparedJob) throws -> RunSpec {
        let image = prepared.image
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
                home: prepared.home, pins: pins)
        }
        let pins = try cpu.map { level in
            let numpy = InstalledNumpy(
                environment: environment(nil), command: command, workingDirectory: workingDirectory)
            return CPUPins(
                level,
                numpy: try prepared.numpyNames(numpy) {
                    numpy.names(in: LayerStack(try image.rootfs.diffIDs.map { try layers.directory(for: $0) }))
                })
        }
        return RunSpec(
            image: prepared.build.image, platform: "\(image.os)/\(image.architecture)", command: command,
            workingDirectory: workingDirectory, user: execution.user ?? "", environment: environment(pins),
            params: job.params,
            inputs: try JobInputs(store: store, source: { try layers.directory(for: prepared.snapshot.layer) })
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
