import Glibc
import IbidImage
public import IbidModel
import IbidStore
public import SystemPackage

/// A lock that was written.
public struct LockReport: Hashable, Sendable {
    /// The file.
    public var path: FilePath
    /// The digest of the lock's record in the store.
    public var lock: Digest
    /// The image that a build with it gives.
    public var image: Digest
    /// How many bases it names.
    public var bases: Int
    /// How many requests of build steps it answers.
    public var requests: Int
    /// Whether the file said the same before.
    public var unchanged: Bool
}

/// What a check of a lock found.
public struct LockCheck: Hashable, Sendable {
    /// The file.
    public var path: FilePath
    /// The digest of the lock's record in the store.
    public var lock: Digest
    /// The image that a build with it gives.
    public var image: Digest
    /// Steps that it names and the recipe does not have: the recipe has changed since.
    public var stale: [String]
}

/// What an image is built from.
public struct RecipeReport: Hashable, Sendable {
    /// The Dockerfile's text.
    public var dockerfile: String
    /// Whether the repository has none and this is what its files amount to.
    public var isDerived: Bool
}

extension Engine {
    /// Builds a job's image as if there were no lock and writes `ibid.lock` beside its Dockerfile. Nothing is entered
    /// in the ledger: a lock is a file of the repository like any other.
    ///
    /// The working tree counts as it is: the lock is committed together with what it was made for.
    ///
    /// - Throws: `lock-place` for a job that is not a directory here; what keeps the image from being built.
    public func writeLock(_ request: SubmitRequest, events: @escaping EventSink) throws -> LockReport {
        guard RemoteRepository(request.place) == nil, request.revision == nil else {
            throw IbidError(
                "lock-place", "a lock is written into a directory, for its working tree",
                hint: "clone the repository, run 'ibid lock' in it, commit ibid.lock", exit: .usage)
        }
        var request = request
        request.allowDirty = true
        let build = try buildUnrecorded(request, events: events) { $0.usesCommittedLock = false }
        guard let digest = build.lock else {
            throw IbidError(
                "lock-empty", "the build uses nothing from outside: there is nothing to lock", exit: .usage)
        }
        let lock = try store.read(ImageLock.self, from: digest)
        let path = request.directory.appending(ImageLock.fileName)
        let text = Array(try lock.text().utf8)
        let unchanged = try readIfPresent(path) == text
        if !unchanged { try writeAtomically(text, to: path, mode: 0o644) }
        return LockReport(
            path: path, lock: digest, image: build.image, bases: lock.bases.count,
            requests: lock.steps.reduce(0) { $0 + $1.requests.count }, unchanged: unchanged)
    }

    /// Builds a job's image from what its `ibid.lock` has and nothing else, and says what of the lock no step is for.
    ///
    /// - Throws: `lock-missing` without a lock; what keeps the image from being built, such as what the lock lacks.
    public func checkLock(_ request: SubmitRequest, events: @escaping EventSink) throws -> LockCheck {
        let path = request.directory.appending(ImageLock.fileName)
        guard RemoteRepository(request.place) == nil, try readIfPresent(path) != nil else {
            throw IbidError(
                "lock-missing", "there is no \(path)", hint: "write it: ibid lock \(request.place)", exit: .notFound)
        }
        var request = request
        request.allowDirty = true
        let build = try buildUnrecorded(request, events: events) { $0.usesCommittedLock = true }
        guard let digest = build.lock else { throw IbidError("lock-missing", "\(path) was not used", exit: .notFound) }
        let lock = try store.read(ImageLock.self, from: digest)
        let instructions = Set(build.steps.map { ImageLock.stepName($0.instruction) })
        let stale = lock.steps.map(\.step).filter { text in
            let name = ImageLock.stepName(text)
            // The second of equal instructions has a number after it.
            return !instructions.contains(name)
                && !instructions.contains { name.hasPrefix($0 + " (") && name.hasSuffix(")") }
        }
        return LockCheck(path: path, lock: digest, image: build.image, stale: stale)
    }

    /// The Dockerfile that a job is built from, its own or the one that its files amount to.
    public func recipe(_ request: SubmitRequest) throws -> RecipeReport {
        let snapshot = try snapshot(request)
        let builder = ImageBuilder(store: store, layers: layers, host: containers, cache: home.cache)
        let recipe = try builder.recipe(of: snapshot, dockerfile: request.build.dockerfile)
        return RecipeReport(dockerfile: recipe.text, isDerived: recipe.isDerived)
    }
}
