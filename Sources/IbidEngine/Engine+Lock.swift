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

    /// The Dockerfile that a job is built from, its own or the one that its files amount to.
    public func recipe(_ request: SubmitRequest) throws -> String {
        let snapshot = try snapshot(request)
        let builder = ImageBuilder(store: store, layers: layers, host: containers, cache: home.cache)
        return try builder.recipe(of: snapshot).text
    }
}
