import Glibc
import IbidCrypto
public import IbidModel
public import IbidStore
public import SystemPackage

/// The bases that images are built on: what the store names, and what Ibid makes itself.
public struct BaseCatalog: Sendable {
    /// A base, ready to build on.
    public struct Base: Hashable, Sendable {
        /// The name in the store's index.
        public var ref: String
        /// Its manifest.
        public var manifest: OCI.Descriptor
        /// The record of its packages (`BaseLock`); nil for a base that was added.
        public var lock: Digest?
        /// What it was called in a registry when it was pulled, `HOST/REPO@sha256:…`; nil for any other base.
        public var origin: String?

        init(ref: String, manifest: OCI.Descriptor, lock: Digest?, origin: String? = nil) {
            self.ref = ref
            self.manifest = manifest
            self.lock = lock
            self.origin = origin
        }
    }

    let store: Store
    let cache: FilePath

    /// How registries are reached.
    public var registry = RegistryAccess()

    private let scratch: FilePath?

    /// - Parameters:
    ///   - cache: a directory for locks and temporary files, `$IBID_HOME/cache/bases`.
    ///   - scratch: where bases are put together; unless given, memory when there is plenty, else `cache`.
    public init(store: Store, cache: FilePath, scratch: FilePath? = nil) {
        self.store = store
        self.cache = cache
        self.scratch = scratch
    }

    /// The base a name after `FROM` stands for: what the store has under that name, a built-in base, which is made first
    /// when it is not there, or what a registry has.
    ///
    /// - Parameters:
    ///   - isCancelled: asked a few times a second while a base is made or fetched; true ends that.
    ///   - progress: told what is going on meanwhile.
    /// - Throws: why the base could not be made; `registry-…` and `image-not-found` for what a registry says.
    public func resolve(
        _ name: String, isCancelled: @escaping () -> Bool = { false }, progress: @escaping (String) -> Void = { _ in }
    ) throws -> Base {
        if let base = try find(name) { return base }
        if let recipe = BaseRecipe.named(name) {
            return try bootstrap(recipe, isCancelled: isCancelled, progress: progress)
        }
        do {
            return try pull(try ImageReference(parsing: name), isCancelled: isCancelled, progress: progress)
        } catch let error as IbidError where Self.isAboutName(error) {
            throw IbidError(
                error.code, "there is no base '\(name)' here, and \(error.message)",
                hint: BaseHint.text(for: name, after: error), exit: error.exit)
        }
    }

    /// The base of that name that is in the store already.
    public func find(_ name: String) throws -> Base? {
        let references = try store.references()
        let recipe = BaseRecipe.named(name)
        for candidate in BaseName.candidates(name) + (recipe.map { [$0.ref] } ?? []) {
            guard let found = references.first(where: { $0.ref == candidate }) else { continue }
            return Self.base(found.ref, found.descriptor)
        }
        return try pinned(name, among: references)
    }

    /// A name with a digest: any image of that repository that has it, or had it in the registry.
    private func pinned(
        _ name: String, among references: [(ref: String, descriptor: OCI.Descriptor)]
    ) throws -> Base? {
        guard name.contains("@"), let wanted = try? ImageReference(parsing: name), let digest = wanted.digest else {
            return nil
        }
        let found = references.first { ref, descriptor in
            if descriptor.annotations?[Self.originAnnotation] == "\(wanted.pinned(to: digest))" { return true }
            // What has no name of a registry's form is of no repository.
            return descriptor.digest == digest && (try? ImageReference(parsing: ref))?.isSibling(of: wanted) == true
        }
        return found.map { Self.base($0.ref, $0.descriptor) }
    }

    private static func base(_ ref: String, _ descriptor: OCI.Descriptor) -> Base {
        Base(
            ref: ref, manifest: plain(descriptor),
            lock: descriptor.annotations?[BaseLock.annotation].flatMap { Digest($0) },
            origin: descriptor.annotations?[originAnnotation])
    }

    /// Every base in the store that was bootstrapped or added, and the built-in ones that could be made.
    public func list() throws -> [(name: String, base: Base?)] {
        var listed: [(name: String, base: Base?)] = []
        for (ref, descriptor) in try store.references() {
            let base = Self.base(ref, descriptor)
            guard base.lock != nil || descriptor.annotations?[Self.addedAnnotation] != nil else { continue }
            listed.append((ref, base))
        }
        for recipe in BaseRecipe.all where !listed.contains(where: { $0.name == recipe.ref }) {
            listed.append((recipe.ref, nil))
        }
        return listed.sorted { $0.name < $1.name }
    }

    static let addedAnnotation = "dev.ibid.base"

    private static func plain(_ descriptor: OCI.Descriptor) -> OCI.Descriptor {
        OCI.Descriptor(mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size)
    }

    // MARK: bootstrap

    /// Makes a built-in base from what the host's mirrors have today.
    private func bootstrap(
        _ recipe: BaseRecipe, isCancelled: @escaping () -> Bool, progress: @escaping (String) -> Void
    ) throws -> Base {
        try alone(recipe.ref) { scratch in
            // Another process may have made it while this one waited.
            if let base = try find(recipe.ref) { return base }
            let resolver = BaseResolver(
                store: store, recipe: recipe, architecture: Self.architecture, isCancelled: isCancelled,
                progress: progress)
            let packages = scratch.appending("packages")
            try makeDirectories(packages, mode: 0o755)
            let lock = try resolver.resolve(in: packages)
            try removeTree(packages)
            return try assemble(
                lock, recipe: recipe, scratch: scratch, isCancelled: isCancelled, progress: progress)
        }
    }

    /// Makes a base again from its lock and the packages in the store, without a network: the same bytes.
    public func rebuild(
        lock digest: Digest, isCancelled: @escaping () -> Bool = { false },
        progress: @escaping (String) -> Void = { _ in }
    ) throws -> Base {
        let lock = try store.read(BaseLock.self, from: digest)
        guard lock.schema == BaseLock.currentSchema, lock.recipe == BaseRecipe.version,
            let recipe = BaseRecipe.all.first(where: { $0.ref == lock.ref })
        else {
            throw IbidError.bootstrap(
                "reading the lock", "this version of ibid does not make '\(lock.ref)' as it was made")
        }
        return try alone(lock.ref) { scratch in
            try assemble(lock, recipe: recipe, scratch: scratch, isCancelled: isCancelled, progress: progress)
        }
    }

    /// The manifest of a base that a lock names, which is made again when this home does not have it.
    func locked(
        _ base: ImageLock.Base, isCancelled: @escaping () -> Bool, progress: @escaping (String) -> Void
    ) throws -> Digest {
        if isWhole(base.manifest) { return base.manifest }
        if let origin = base.origin {
            return try fetchLocked(base, origin: origin, isCancelled: isCancelled, progress: progress)
        }
        guard let packages = base.packages else {
            throw IbidError(
                "base-not-found",
                "the lock names the base '\(base.name)' as \(base.manifest), which is not in the store",
                hint: "add that very image: ibid base add '\(base.name)' --from oci:DIR|docker-archive:FILE",
                exit: .notFound)
        }
        // Another home's lock: what the mirrors have today may still be the same.
        let isComplete = store.contains(packages.stanzas) && packages.packages.allSatisfy { store.contains($0.sha256) }
        let made =
            isComplete
            ? try rebuild(lock: try store.put(canonical: packages), isCancelled: isCancelled, progress: progress)
            : try resolve(base.name, isCancelled: isCancelled, progress: progress)
        guard made.manifest.digest == base.manifest else {
            throw IbidError(
                "base-differs",
                "the base '\(base.name)' came out as \(made.manifest.digest), "
                    + "the lock says \(base.manifest)",
                hint: isComplete
                    ? "it was made by another version of mmdebstrap or dpkg"
                    : "the mirrors have newer packages and this home lacks the locked ones: "
                        + "make the lock again with 'ibid lock', or copy the store that has them",
                exit: .verificationFailed)
        }
        return made.manifest.digest
    }

    /// Whether an image is in the store with all that it consists of.
    private func isWhole(_ digest: Digest) -> Bool {
        // One that does not read is not whole.
        guard store.contains(digest), let manifest = try? store.manifest(digest) else { return false }
        return ([manifest.config.digest] + manifest.layers.map(\.digest)).allSatisfy { store.contains($0) }
    }

    /// A base that a registry had when the lock was made, by the registry's digest.
    private func fetchLocked(
        _ base: ImageLock.Base, origin: String, isCancelled: @escaping () -> Bool,
        progress: @escaping (String) -> Void
    ) throws -> Digest {
        let made = try pull(
            try ImageReference(parsing: origin), isCancelled: isCancelled, progress: progress)
        guard made.manifest.digest == base.manifest else {
            throw IbidError(
                "base-differs",
                "the base '\(base.name)' came out of \(origin) as \(made.manifest.digest), the lock says \(base.manifest)",
                hint: "make the lock again with 'ibid lock'", exit: .verificationFailed)
        }
        return made.manifest.digest
    }

    private func assemble(
        _ lock: BaseLock, recipe: BaseRecipe, scratch: FilePath, isCancelled: @escaping () -> Bool,
        progress: @escaping (String) -> Void
    ) throws -> Base {
        let assembler = BaseAssembler(store: store, recipe: recipe, isCancelled: isCancelled, progress: progress)
        let manifest = try assembler.assemble(lock, in: scratch)
        let digest = try store.put(canonical: lock)
        var named = manifest
        named.annotations = [BaseLock.annotation: "\(digest)"]
        try store.tag(named, as: recipe.ref)
        return Base(ref: recipe.ref, manifest: manifest, lock: digest)
    }

    /// Runs the body in the only process that makes this base in this home, with an empty scratch directory that goes
    /// afterwards; what a killed process left there goes first.
    private func alone(_ ref: String, _ body: (FilePath) throws -> Base) throws -> Base {
        try makeDirectories(cache, mode: 0o755)
        let name = String(ref.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "-" })
        let lock = try FileLock(cache.appending(name + ".lock"))
        defer { lock.release() }
        // About 300 MB of tree, 60 MB of packages, and what apt and mmdebstrap keep while they work.
        let place =
            try scratch ?? ScratchPlace.directory(needing: 1_500 << 20, fallback: cache.appending("scratch"))
        let home = Digest.sha256(of: cache.string).hex.prefix(12)
        let scratch = place.appending("ibid-\(home)-\(name)")
        try removeTree(scratch)
        try makeDirectories(scratch, mode: 0o755)
        chmod(scratch.string, 0o755)
        do {
            let base = try body(scratch)
            try removeTree(scratch)
            return base
        } catch {
            // What went wrong first is what the user has to hear.
            try? removeTree(scratch)
            throw error
        }
    }

    /// This machine's architecture, as Debian and Go name it.
    static var architecture: String {
        var name = utsname()
        uname(&name)
        let machine = withUnsafeBytes(of: &name.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return ["x86_64": "amd64", "aarch64": "arm64"][machine] ?? machine
    }
}
