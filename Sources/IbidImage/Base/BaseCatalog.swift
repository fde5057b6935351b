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
    }

    let store: Store
    let cache: FilePath

    private let scratch: FilePath?

    /// - Parameters:
    ///   - cache: a directory for locks and temporary files, `$IBID_HOME/cache/bases`.
    ///   - scratch: where bases are put together; unless given, memory when there is plenty, else `cache`.
    public init(store: Store, cache: FilePath, scratch: FilePath? = nil) {
        self.store = store
        self.cache = cache
        self.scratch = scratch
    }

    /// The base a name after `FROM` stands for: what the store has under that name, or a built-in base, which is made
    /// first when it is not there.
    ///
    /// - Parameters:
    ///   - isCancelled: asked a few times a second while a base is made; true ends that.
    ///   - progress: told what is going on while a base is made.
    /// - Throws: `base-not-found`, or why the base could not be made.
    public func resolve(
        _ name: String, isCancelled: @escaping () -> Bool = { false }, progress: @escaping (String) -> Void = { _ in }
    ) throws -> Base {
        if let base = try find(name) { return base }
        guard let recipe = BaseRecipe.named(name) else {
            throw IbidError.unknownBase(name, place: nil, hint: BaseRecipe.hint(for: name))
        }
        return try bootstrap(recipe, isCancelled: isCancelled, progress: progress)
    }

    /// The base of that name that is in the store already.
    public func find(_ name: String) throws -> Base? {
        let references = try store.references()
        let recipe = BaseRecipe.named(name)
        for candidate in BaseName.candidates(name) + (recipe.map { [$0.ref] } ?? []) {
            guard let found = references.first(where: { $0.ref == candidate }) else { continue }
            return Base(
                ref: candidate, manifest: Self.plain(found.descriptor),
                lock: found.descriptor.annotations?[BaseLock.annotation].flatMap { Digest($0) })
        }
        return nil
    }

    /// Every base in the store that was bootstrapped or added, and the built-in ones that could be made.
    public func list() throws -> [(name: String, base: Base?)] {
        var listed: [(name: String, base: Base?)] = []
        for (ref, descriptor) in try store.references() {
            let lock = descriptor.annotations?[BaseLock.annotation].flatMap { Digest($0) }
            let added = descriptor.annotations?[Self.addedAnnotation] != nil
            guard lock != nil || added else { continue }
            listed.append((ref, Base(ref: ref, manifest: Self.plain(descriptor), lock: lock)))
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
        if store.contains(base.manifest) { return base.manifest }
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
