import CLinux
import IbidContainer
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// One build: the stages that the target needs, in order. Used by one thread.
final class BuildSession {
    let store: Store
    let layerCache: LayerCache
    let host: ContainerHost
    let bases: BaseCatalog
    let cache: StepCache
    let sources: PackageSources
    let options: ImageBuildOptions
    let dockerfile: Dockerfile
    let tree: SourceTree
    let lock: ImageLock?
    let stop: ContainerStop?
    let progress: (ImageBuildEvent) -> Void

    /// Looks at what steps do, in a verification.
    var watch: StepWatch?
    /// Where a derived recipe's files name what its steps install.
    var origins = RecipeOrigins()

    private(set) var steps: [ImageBuild.Step] = []
    private(set) var usedBases: [String: ImageLock.Base] = [:]
    /// The requests of steps, by the step's name in a lock.
    var requests: [(step: String, requests: [ImageLock.Request])] = []
    var finished: [Int: StageState] = [:]
    /// The layers of `COPY`, `ADD` and `WORKDIR`, and whether this build wrote them.
    var copied: [Digest: Bool] = [:]
    private var copiedTrees: [Digest: SourceTree] = [:]
    private var stepNames: [SourcePlace: String] = [:]
    /// Build arguments that an `ARG` took.
    private var takenArguments: Set<String> = []
    private var globals: [String: String] = [:]
    /// The stages that are being built, outermost first: a trigger may need one that nothing else does.
    private var openStages: [Int] = []
    private var total = 0

    init(
        store: Store, layerCache: LayerCache, host: ContainerHost, bases: BaseCatalog, cache: StepCache,
        sources: PackageSources, options: ImageBuildOptions, dockerfile: Dockerfile, tree: SourceTree, lock: ImageLock?,
        stop: ContainerStop?, progress: @escaping (ImageBuildEvent) -> Void
    ) {
        self.store = store
        self.layerCache = layerCache
        self.host = host
        self.bases = bases
        self.cache = cache
        self.sources = sources
        self.options = options
        self.dockerfile = dockerfile
        self.tree = tree
        self.lock = lock
        self.stop = stop
        self.progress = progress
    }

    /// Builds the target.
    ///
    /// - Returns: the image as it is at the end of its stage.
    func run() throws -> StageState {
        let target = try targetStage()
        let needed = try neededStages(target)
        nameSteps()
        total = needed.reduce(0) { $0 + dockerfile.stages[$1].steps.count }
        globals = try globalArguments()
        for index in needed { _ = try stage(index) }
        warnOfUnusedArguments()
        return try stage(target)
    }

    /// A stage's image, building it when that has not been done.
    private func stage(_ index: Int) throws -> StageState {
        if let state = finished[index] { return state }
        openStages.append(index)
        defer { openStages.removeLast() }
        let state = try build(dockerfile.stages[index])
        finished[index] = state
        return state
    }

    /// The image of the stage that `--from` names in the stage being built; nil when no stage has that name.
    ///
    /// - Throws: for a stage that is not before this one.
    func stage(named name: String, _ step: Dockerfile.Step) throws -> StageState? {
        guard let current = openStages.last, let index = dockerfile.stage(named: name, before: current) else {
            return nil
        }
        guard index < current else {
            throw IbidError.dockerfile(
                step.place, "the stage '\(name)' is not before this one", text: step.text,
                hint: "--from takes an earlier stage or an image")
        }
        return try stage(index)
    }

    private func warnOfUnusedArguments() {
        // BuildKit knows the proxy arguments without an ARG; here a step reaches the network through the gateway.
        let known = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"]
        for name in options.arguments.keys.sorted()
        where !takenArguments.contains(name) && !known.contains(name.lowercased()) && platformArguments[name] == nil {
            progress(.warning("no ARG takes the build argument '\(name)'"))
        }
    }

    // MARK: which stages

    private func targetStage() throws -> Int {
        guard let name = options.target else { return dockerfile.stages.count - 1 }
        guard let index = dockerfile.stage(named: name, before: .max) else {
            let names = dockerfile.stages.compactMap(\.name).joined(separator: ", ")
            throw IbidError(
                "stage-not-found", "the Dockerfile has no stage '\(name)'",
                hint: names.isEmpty ? "its stages have no names" : "its stages are \(names)", exit: .notFound)
        }
        return index
    }

    /// The target and the stages it takes something from, in the order of the file.
    private func neededStages(_ target: Int) throws -> [Int] {
        var needed: Set<Int> = []
        var open = [target]
        while let index = open.popLast() {
            guard needed.insert(index).inserted else { continue }
            let stage = dockerfile.stages[index]
            // FROM knows stages by name only; a number there is an image's name.
            if Int(stage.base) == nil, let base = dockerfile.stage(named: stage.base, before: index), base < index {
                open.append(base)
            }
            for step in stage.steps {
                for name in Self.sources(of: step.instruction) {
                    guard let other = dockerfile.stage(named: name, before: index) else { continue }
                    guard other < index else {
                        throw IbidError.dockerfile(
                            step.place, "the stage '\(name)' is not before this one", text: step.text,
                            hint: "--from takes an earlier stage or an image")
                    }
                    open.append(other)
                }
            }
        }
        return needed.sorted()
    }

    /// The stages or images that an instruction takes files from.
    private static func sources(of instruction: Instruction) -> [String] {
        switch instruction {
        case .copy(let copy), .add(let copy): copy.from.map { [$0] } ?? []
        case .run(let run): run.mounts.compactMap { $0.options["from"] }
        default: []
        }
    }

    /// A step's name in a lock: its text, and a number when the text stands there more than once.
    private func nameSteps() {
        var counts: [String: Int] = [:]
        for step in dockerfile.stages.flatMap(\.steps) {
            let name = ImageLock.stepName(step.text)
            let count = counts[name, default: 0] + 1
            counts[name] = count
            stepNames[step.place] = count == 1 ? name : "\(name) (\(count))"
        }
    }

    func lockName(of step: Dockerfile.Step) -> String { stepNames[step.place] ?? ImageLock.stepName(step.text) }

    // MARK: arguments

    /// What BuildKit gives every build by itself.
    private var platformArguments: [String: String] {
        let architecture = BaseCatalog.architecture
        let platform = "linux/\(architecture)"
        let values = [
            "TARGETPLATFORM": platform, "TARGETOS": "linux", "TARGETOSVERSION": "", "TARGETARCH": architecture,
            "TARGETVARIANT": "", "BUILDPLATFORM": platform, "BUILDOS": "linux", "BUILDOSVERSION": "",
            "BUILDARCH": architecture, "BUILDVARIANT": "",
            "TARGETSTAGE": options.target ?? dockerfile.stages.last?.name ?? "default",
        ]
        return values.merging(options.arguments.filter { values[$0.key] != nil }) { $1 }
    }

    private func globalArguments() throws -> [String: String] {
        var values = platformArguments
        for step in dockerfile.globalArguments {
            guard case .arg(let declarations) = step.instruction else { continue }
            for declaration in declarations {
                let known = values
                takenArguments.insert(declaration.name)
                values[declaration.name] =
                    try options.arguments[declaration.name]
                    ?? declaration.value.map { try expand($0, step) { known[$0] } } ?? values[declaration.name]
            }
        }
        return values
    }

    /// Expands quotes, escapes and variables of a word.
    func expand(_ word: String, _ step: Dockerfile.Step, _ lookup: @escaping (String) -> String?) throws -> String {
        do {
            return try ShellLexer(escape: dockerfile.escape, lookup: lookup).word(word)
        } catch let error as ShellSyntaxError {
            throw IbidError.dockerfile(step.place, error.problem, text: step.text)
        }
    }

    // MARK: stages

    private func build(_ stage: Dockerfile.Stage) throws -> StageState {
        var (state, triggers) = try start(stage)
        state.begin()
        for text in triggers { try perform(try Dockerfile.parseTrigger(text, place: stage.place), &state) }
        for step in stage.steps { try perform(step, &state) }
        return state
    }

    /// The image a stage begins with, and the triggers that its base left.
    private func start(_ stage: Dockerfile.Stage) throws -> (StageState, [String]) {
        let heading = Dockerfile.Step(place: stage.place, text: stage.text, instruction: .maintainer(""))
        let globals = globals
        let name = try expand(stage.base, heading) { globals[$0] }
        guard !name.isEmpty else {
            throw IbidError.dockerfile(
                stage.place, "the base's name is empty", text: stage.text,
                hint: "an ARG before FROM gives it: ARG VERSION=3.11")
        }
        if let platform = stage.platform {
            let wanted = try expand(platform, heading) { globals[$0] }
            guard Platform.isOwn(wanted) else {
                throw IbidError.unsupported(
                    stage.place, "the platform '\(wanted)'", text: stage.text,
                    hint: "this machine builds for linux/\(BaseCatalog.architecture)")
            }
        }
        if Int(name) == nil, let current = openStages.last,
            let index = dockerfile.stage(named: name, before: current), index < current
        {
            return adopt(try self.stage(index))
        }
        if name == "scratch" {
            var empty = StageState(
                epoch: Timestamp(seconds: ImageEpoch.earliest), architecture: BaseCatalog.architecture)
            empty.execution.workingDir = "/"
            return (empty, [])
        }
        return adopt(try base(name, stage.place, text: stage.text))
    }

    private func adopt(_ image: StageState) -> (StageState, [String]) {
        var state = image
        let triggers = state.execution.onBuild ?? []
        state.execution.onBuild = nil
        state.hasOwnCommand = false
        return (state, triggers)
    }

    var isCancelled: () -> Bool { { [stop] in stop?.isThrown ?? false } }
    var isStopped: @Sendable () -> Bool { { [stop] in stop?.isThrown ?? false } }

    /// A base image by name: the lock's, or what the catalogue has.
    func base(_ name: String, _ place: SourcePlace, text: String) throws -> StageState {
        let manifest: Digest
        if let lock {
            guard let locked = lock.bases.first(where: { $0.name == name }) else {
                throw IbidError.dockerfile(
                    place, "the lock does not have the base '\(name)'", text: text,
                    hint: "the Dockerfile has changed since: make the lock again with 'ibid lock'")
            }
            manifest = try bases.locked(locked, isCancelled: isCancelled) { [progress] in progress(.base($0)) }
            usedBases[name] = locked
        } else {
            do {
                let base = try bases.resolve(name, isCancelled: isCancelled) { [progress] in progress(.base($0)) }
                manifest = base.manifest.digest
                let packages = try base.lock.map { try store.read(BaseLock.self, from: $0) }
                usedBases[name] = ImageLock.Base(
                    name: name, manifest: manifest, packages: packages, origin: base.origin)
            } catch let error as IbidError where BaseCatalog.isAboutName(error) || error.code == "bad-image" {
                guard let origin = origins.python, name.hasPrefix("python:") else { throw error.at(place) }
                throw IbidError(error.code, "\(origin): \(error.message)", hint: error.hint, exit: error.exit)
            }
        }
        guard store.contains(manifest) else {
            throw IbidError("missing-blob", "the base '\(name)' is gone: the store does not have \(manifest)").at(place)
        }
        let image = try store.manifest(manifest)
        let config = try store.imageConfig(image)
        var state = StageState(
            epoch: try ImageEpoch.of(config, base: name), architecture: config.architecture, variant: config.variant)
        state.base = manifest
        state.author = config.author
        state.layers = image.layers
        state.execution = config.config ?? OCI.Execution()
        let history = config.history ?? []
        // Some images say less about their layers than they have; other tools insist on one entry for each.
        state.history =
            history.filter { $0.emptyLayer != true }.count == image.layers.count
            ? history
            : image.layers.map { _ in OCI.History(created: "\(state.epoch)", createdBy: "FROM \(name)") }
        return state
    }

    /// Carries out one instruction.
    private func perform(_ step: Dockerfile.Step, _ state: inout StageState) throws {
        if stop?.isThrown ?? false { throw IbidError.interrupted }
        let started = cl_monotonic_microseconds()
        progress(.stepStarted(number: steps.count + 1, of: max(total, steps.count + 1), instruction: step.text))
        watch?.begin()
        let asked = requests.count
        var outcome = StepOutcome.configuration
        switch step.instruction {
        case .run(let run): outcome = try perform(run, step, &state)
        case .copy(let copy): outcome = try perform(copy, isAdd: false, step, &state)
        case .add(let copy): outcome = try perform(copy, isAdd: true, step, &state)
        case .workdir(let path): outcome = try workdir(path, step, &state)
        case .arg(let declarations): try declare(declarations, step, &state)
        default: try configure(step, &state)
        }
        var done = ImageBuild.Step(
            instruction: step.text, layer: nil, cached: false, microseconds: cl_monotonic_microseconds() - started)
        if case .layer(let layer, let cached) = outcome {
            done.layer = layer?.digest
            done.cached = cached
            let next = watch.map { $0.finish(layer) } ?? layer
            if let next { state.layers.append(next) }
            state.history.append(
                OCI.History(created: "\(state.epoch)", createdBy: step.text, emptyLayer: next == nil ? true : nil))
            let fetched = requests.dropFirst(asked).flatMap(\.requests).reduce(0) { $0 + ($1.size ?? 0) }
            progress(.stepFinished(done, layerBytes: layer?.size ?? 0, fetchedBytes: fetched))
        } else {
            // Nothing to do is nothing to do again.
            done.cached = true
            _ = watch?.finish(nil)
            state.history.append(OCI.History(created: "\(state.epoch)", createdBy: step.text, emptyLayer: true))
            progress(.stepFinished(done, layerBytes: 0, fetchedBytes: 0))
        }
        steps.append(done)
    }

    private func declare(
        _ declarations: [ArgumentDeclaration], _ step: Dockerfile.Step, _ state: inout StageState
    ) throws {
        for declaration in declarations {
            let current = state
            let name = try expand(declaration.name, step) { current.lookup($0) }
            warnOfSecret(name, step)
            takenArguments.insert(name)
            let value =
                try options.arguments[name] ?? declaration.value.map { try expand($0, step) { current.lookup($0) } }
                ?? globals[name]
            if let value { state.declare(name, value) }
        }
    }

    /// The layers of a stage as one file system.
    ///
    /// - Parameter isUnpacked: whether everything has to lie on disk.
    func root(of state: StageState, isUnpacked: Bool = false) throws -> StageRoot {
        StageRoot(
            try state.layers.map { layer in
                if !isUnpacked, let tree = try copiedTree(layer.digest) { return .archive(tree) }
                return .directory(try layerCache.directory(for: layer.digest))
            })
    }

    /// A layer that `COPY` and the like made, read from its archive; nil for other layers and for one that is unpacked.
    ///
    /// A step that only looks whether a directory is there need not have twenty thousand files unpacked for that.
    private func copiedTree(_ layer: Digest) throws -> SourceTree? {
        guard let isNew = copied[layer], try !layerCache.isWhole(layer) else { return nil }
        if let known = copiedTrees[layer] { return known }
        if !isNew { try store.verify(layer) }
        let tree = try SourceTree(archive: store.path(of: layer), asSource: false)
        copiedTrees[layer] = tree
        return tree
    }
}

/// What an instruction did.
enum StepOutcome {
    /// It changed the image's configuration only.
    case configuration
    /// It made a layer, or found that nothing changed.
    case layer(OCI.Descriptor?, cached: Bool)
}
