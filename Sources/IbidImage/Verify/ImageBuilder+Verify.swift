import CLinux
import Glibc
public import IbidContainer
import IbidLayer
public import IbidModel
import IbidStore
import SystemPackage

extension ImageBuilder {
    /// Builds an image twice from nothing and says of each step whether both builds gave the same.
    ///
    /// The second build sees what the first one fetched and nothing else. Its host name, umask, time zone, file system,
    /// unpacked layers and number of processors are others, as far as this machine allows; after each step it goes on
    /// from what the first had. The image is the first build's.
    ///
    /// - Parameter ownsProcess: whether what belongs to the whole process (umask, environment) may be changed meanwhile.
    /// - Returns: the build, each step with its verdict. A step that is not reproduced is a verdict, not an error.
    public func verify(
        snapshot: SourceSnapshot, options: ImageBuildOptions, ownsProcess: Bool, stop: ContainerStop? = nil,
        progress: @escaping (ImageBuildEvent) -> Void = { _ in }
    ) throws -> ImageBuild {
        var options = options
        options.usesCache = false
        let first = StepWatch()
        var build = try self.build(snapshot: snapshot, options: options, watch: first, stop: stop, progress: progress)
        options.lock = build.lock ?? options.lock
        let place = try SecondPlace(home: cache, image: build.sizeBytes)
        defer { place.remove() }
        let second = StepWatch(reference: first)
        var otherHost = ContainerHost(sandbox: host.sandbox, stateDirectory: place.runs)
        otherHost.minimumIsolation = host.minimumIsolation
        let again = ImageBuilder(
            store: store, layers: LayerCache(root: place.layers, store: store), host: otherHost, cache: place.cache)
        let surroundings = Surroundings(place: place, ownsProcess: ownsProcess)
        progress(.verifying("building again from nothing, with everything else that can be"))
        try surroundings.vary {
            let (session, _) = try again.session(
                snapshot: snapshot, options: options, watch: second, stop: stop,
                progress: { if case .warning = $0 { progress($0) } })
            defer { session.sources.stop() }
            _ = try session.run()
        }
        build.variation = surroundings.variation
        guard first.steps.count == second.steps.count, first.steps.count == build.steps.count else {
            throw IbidError("verify", "the second build took another number of steps than the first")
        }
        let config = try store.imageConfig(try store.manifest(build.image))
        let comparison = StepComparison(
            store: store, normaliser: Normaliser(epoch: try ImageEpoch.of(config, base: build.ref)),
            processors: surroundings.processors)
        for index in build.steps.indices {
            let (verdict, differences) = try comparison.compare(first.steps[index], second.steps[index])
            build.steps[index].verdict = verdict
            build.steps[index].differences = differences
            progress(.stepVerified(build.steps[index], number: index + 1, of: build.steps.count))
        }
        return build
    }
}
