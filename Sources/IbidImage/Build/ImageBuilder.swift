import CLinux
public import IbidContainer
public import IbidLayer
public import IbidModel
public import IbidStore
public import SystemPackage

/// Builds images: an image is a function of source tree, base and lock.
public struct ImageBuilder: Sendable {
    let store: Store
    let layers: LayerCache
    let host: ContainerHost
    let cache: FilePath

    /// The bases it builds on.
    public let bases: BaseCatalog

    /// - Parameter cache: `$IBID_HOME/cache`: what steps did, locks and temporary files of bases. It may be removed.
    public init(store: Store, layers: LayerCache, host: ContainerHost, cache: FilePath) {
        self.store = store
        self.layers = layers
        self.host = host
        self.cache = cache
        bases = BaseCatalog(store: store, cache: cache.appending("bases"))
    }

    /// The recipe of a source tree: its Dockerfile, or what can be derived from its files.
    ///
    /// - Throws: `recipe-not-found`, naming what would have been understood.
    public func recipe(of snapshot: SourceSnapshot, dockerfile: String? = nil) throws -> Recipe {
        try Recipe.find(in: try SourceTree(archive: store.path(of: snapshot.layer), asSource: true), named: dockerfile)
    }

    /// Builds the image of a source tree and gives it a name in the store's index.
    ///
    /// Any number of builds may work in one home; each step runs once. After a crash the next build goes on where this
    /// one was, from the cache.
    ///
    /// - Parameters:
    ///   - stop: ends the build when it is thrown.
    ///   - progress: told what is going on; output of steps comes on threads of their own, one call at a time.
    /// - Throws: `IbidError`, with file and line when the recipe or one of its steps is at fault.
    public func build(
        snapshot: SourceSnapshot, options: ImageBuildOptions, stop: ContainerStop? = nil,
        progress: @escaping (ImageBuildEvent) -> Void = { _ in }
    ) throws -> ImageBuild {
        try build(snapshot: snapshot, options: options, watch: nil, stop: stop, progress: progress)
    }

    /// - Parameter watch: looks at what the steps do, for a verification.
    func build(
        snapshot: SourceSnapshot, options: ImageBuildOptions, watch: StepWatch?, stop: ContainerStop?,
        progress: @escaping (ImageBuildEvent) -> Void
    ) throws -> ImageBuild {
        try Platform.require(options.platform)
        let key = key(snapshot, options)
        let builds = BuildCache(directory: cache.appending("builds"), store: store)
        if options.usesCache, let known = try unchanged(key, builds, options: options, progress: progress) {
            return known
        }
        let (session, recipe) = try session(
            snapshot: snapshot, options: options, watch: watch, stop: stop, progress: progress)
        defer { session.sources.stop() }
        let state = try session.run()
        let manifest = try putImage(state)
        let build = ImageBuild(
            image: manifest.digest, ref: options.ref, base: state.base, lock: try recordLock(session),
            source: snapshot.layer, recipe: try store.put(Array(recipe.text.utf8)), steps: session.steps,
            sizeBytes: state.layers.reduce(0) { $0 + $1.size })
        try store.tag(manifest, as: options.ref)
        try builds.keep(
            BuildCache.Record(
                build: build, manifest: manifest, layers: state.layers.map(\.digest),
                bases: session.usedBases.mapValues(\.manifest), isLocked: session.lock != nil), as: key)
        return build
    }

    /// A build whose recipe is read and whose steps are still to be run; the caller stops its sources.
    func session(
        snapshot: SourceSnapshot, options: ImageBuildOptions, watch: StepWatch?, stop: ContainerStop?,
        progress: @escaping (ImageBuildEvent) -> Void
    ) throws -> (BuildSession, Recipe) {
        try store.verify(snapshot.layer)
        let tree = try SourceTree(archive: store.path(of: snapshot.layer), asSource: true)
        let recipe = try Recipe.find(
            in: tree, named: options.dockerfile, derived: try options.derivedRecipe.map { try store.read($0) })
        let dockerfile = try Dockerfile.parse(Array(recipe.text.utf8), file: recipe.name)
        let lock = try options.lock.map { try store.read(ImageLock.self, from: $0) } ?? committedLock(tree, options)
        let sources = PackageSources.ofHost(store: store)
        var bases = bases
        bases.registry = options.registry
        let session = BuildSession(
            store: store, layerCache: layers, host: host, bases: bases,
            cache: StepCache(directory: cache.appending("steps"), store: store), sources: sources, options: options,
            dockerfile: dockerfile, tree: tree.without(recipe.ignored).without(file: ImageLock.fileName),
            lock: lock, stop: stop, progress: progress)
        session.watch = watch
        session.origins = recipe.origins
        return (session, recipe)
    }

    /// The record of the same build, when everything it depends on is as it was: no file is looked at.
    private func unchanged(
        _ key: Digest, _ builds: BuildCache, options: ImageBuildOptions, progress: (ImageBuildEvent) -> Void
    ) throws -> ImageBuild? {
        let started = cl_monotonic_microseconds()
        guard var record = try builds.record(key) else { return nil }
        // A build with a lock has its base from there.
        for (name, manifest) in record.bases where !record.isLocked {
            guard try bases.find(name)?.manifest.digest == manifest else { return nil }
        }
        try store.tag(record.manifest, as: options.ref)
        record.build.ref = options.ref
        let spent = cl_monotonic_microseconds() - started
        for index in record.build.steps.indices {
            record.build.steps[index].cached = true
            record.build.steps[index].microseconds = index == 0 ? spent : 0
            let step = record.build.steps[index]
            progress(.stepStarted(number: index + 1, of: record.build.steps.count, instruction: step.instruction))
            progress(.stepFinished(step, layerBytes: 0, fetchedBytes: 0))
        }
        return record.build
    }

    private func key(_ snapshot: SourceSnapshot, _ options: ImageBuildOptions) -> Digest {
        StepCache.key([
            "kind": "build", "version": 2, "derivation": .int(DerivedRecipe.version),
            "normaliser": .int(Int64(Normaliser.version)),
            "source": .string("\(snapshot.layer)"), "dockerfile": .optional(options.dockerfile),
            "target": .optional(options.target), "arguments": .strings(options.arguments),
            "recipe": .optional(options.derivedRecipe.map { "\($0)" }),
            "lock": .optional(options.lock.map { "\($0)" }), "committedLock": .bool(options.usesCommittedLock),
            "architecture": .string(BaseCatalog.architecture),
        ])
    }

    private func putImage(_ state: StageState) throws -> OCI.Descriptor {
        let config = OCI.ImageConfig(
            created: "\(state.epoch)", author: state.author, architecture: state.architecture, os: "linux",
            variant: state.variant,
            config: state.execution, rootfs: OCI.RootFS(diffIDs: state.layers.map(\.digest)), history: state.history)
        return try store.putImage(config: config, layers: state.layers)
    }

    private func committedLock(_ tree: SourceTree, _ options: ImageBuildOptions) throws -> ImageLock? {
        options.usesCommittedLock ? try ImageLock.committed(in: tree) : nil
    }

    private func recordLock(_ session: BuildSession) throws -> Digest? {
        if let lock = session.lock { return try store.put(canonical: lock) }
        let bases = session.usedBases.values.sorted { $0.name < $1.name }
        let isFromOutside = bases.contains { $0.packages != nil || $0.origin != nil }
        guard !session.requests.isEmpty || isFromOutside else { return nil }
        return try store.put(
            canonical: ImageLock(
                schema: ImageLock.currentSchema, bases: bases,
                steps: session.requests.map { ImageLock.Step(step: $0.step, requests: $0.requests) }))
    }
}
