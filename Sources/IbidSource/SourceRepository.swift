import CGit2
import Glibc
public import IbidModel
public import IbidStore
public import SystemPackage

/// A git repository that jobs are snapshotted from.
///
/// Everything is read from git's objects, never from the checked-out files, unless a dirty state is asked for. Nothing
/// of the user's is written: not the index, not HEAD, not the object database. Not for use by two threads at once.
public struct SourceRepository {
    private let repository: GitRepository

    /// The root of the working tree, or of the repository when it is bare.
    public var root: FilePath { repository.workingDirectory ?? repository.gitDirectory }

    /// Whether the repository has no working tree.
    public var isBare: Bool { repository.workingDirectory == nil }

    /// Opens the repository that contains a directory.
    ///
    /// The directory itself need not exist: another revision may have it. For a bare repository the path goes on
    /// inside its tree (`project.git/jobs/iris`).
    /// - Throws: `not-a-repository`, `not-a-directory`, `repository-owner`, `repository-sha256`, `repository-format`.
    public static func open(containing directory: FilePath) throws -> SourceRepository {
        let start = try resolve(directory).existing
        do {
            return SourceRepository(repository: try GitRepository(at: start, .containing))
        } catch let failure as GitFailure {
            throw IbidError.unusableRepository(failure, at: start)
        }
    }

    /// Snapshots a directory of the repository into a store.
    ///
    /// - Parameters:
    ///   - directory: the job's directory.
    ///   - revision: what names the commit, in any form that git knows; nil for HEAD, with nothing changed since.
    ///   - allowDirty: whether changes below the job's directory are taken along when `revision` is nil. With a
    ///     revision it has no effect: the working tree plays no part then.
    /// - Throws: an error that says why there is nothing to snapshot, or names the files that stand against it.
    public func snapshot(
        directory: FilePath, revision: String?, allowDirty: Bool, store: Store
    ) throws -> SourceSnapshot {
        do {
            let subdirectory = try subdirectory(of: directory, revision: revision)
            let commit = try commit(revision)
            if revision == nil {
                let state = WorkingState(repository: repository, root: root)
                let changes = try state.changes(below: subdirectory)
                guard changes.isEmpty || allowDirty else { throw IbidError.dirtyTree(changes) }
                if !changes.isEmpty { return try snapshot(of: state, subdirectory, since: commit, store) }
            }
            var walk = TreeWalk()
            let (root, tree) = try walk.walk(repository, commit: commit, subdirectory: subdirectory)
            return try store.keep(
                &walk, working: nil,
                SourceClaim(
                    commit: commit, root: root, tree: tree, subdirectory: subdirectory, revision: revision ?? "HEAD",
                    origin: origin))
        } catch let failure as GitFailure {
            throw IbidError.git("read the git repository at '\(root)'", failure)
        }
    }

    /// `remote.origin.url` without credentials.
    private var origin: String? { repository.setting("remote.origin.url").map(OriginURL.withoutCredentials) }

    private func snapshot(
        of state: WorkingState, _ subdirectory: [UInt8], since commit: GitObjectID, _ store: Store
    ) throws -> SourceSnapshot {
        var walk = TreeWalk()
        let root = try walk.rootTree(of: commit, in: repository)
        let files = WorkingFiles(state, subdirectory: subdirectory)
        try files.collect(into: &walk)
        return try store.keep(
            &walk, working: files,
            SourceClaim(
                commit: commit, root: root, tree: nil, subdirectory: subdirectory, revision: "HEAD", origin: origin))
    }

    // MARK: The revision

    private func commit(_ revision: String?) throws -> GitObjectID {
        guard let revision else {
            if isBare { throw IbidError.bareRepository(root) }
            if repository.isUnborn { throw IbidError.emptyRepository(root) }
            return try resolve("HEAD")
        }
        return try resolve(revision)
    }

    private func resolve(_ revision: String) throws -> GitObjectID {
        do {
            return try repository.commit(revision)
        } catch {
            switch error.code {
            case GIT_EAMBIGUOUS.rawValue: throw IbidError.revisionAmbiguous(revision)
            case GIT_EINVALIDSPEC.rawValue where revision.contains(".."):
                throw IbidError.revisionMalformed(revision, "it names a range")
            case GIT_EINVALIDSPEC.rawValue: throw IbidError.revisionMalformed(revision, error.message)
            case GIT_EPEEL.rawValue: throw IbidError.revisionNotACommit(revision)
            default: throw IbidError.revisionNotFound(revision, shallow: repository.isShallow)
            }
        }
    }

    // MARK: The directory

    /// The job's directory as git knows it, relative to the root of the tree.
    private func subdirectory(of directory: FilePath, revision: String?) throws -> [UInt8] {
        let (existing, missing) = try Self.resolve(directory)
        if revision == nil && !missing.isEmpty && !isBare { throw IbidError.noDirectory(directory) }
        let base = try Self.resolve(root).existing
        guard existing.starts(with: base) else {
            throw IbidError(
                "directory-not-in-repository", "'\(directory)' is not below '\(base)'", exit: .usage)
        }
        let below = existing.components.dropFirst(base.components.count).map(\.string) + missing
        let text = below.joined(separator: "/")
        guard !text.unicodeScalars.contains("\u{FFFD}") else {
            throw IbidError.refusedPath(Array(text.utf8), "is not UTF-8, which the name of a job's directory has to be")
        }
        return Array(text.utf8)
    }

    /// The part of a path that exists, without symbolic links, and the names that do not.
    private static func resolve(_ path: FilePath) throws -> (existing: FilePath, missing: [String]) {
        var rest = path.isEmpty ? "." : path
        var missing: [String] = []
        while true {
            var status = stat()
            if rest.withPlatformString({ stat($0, &status) }) == 0 {
                guard status.st_mode & S_IFMT == S_IFDIR else {
                    if missing.isEmpty { throw IbidError.notADirectory(path.string) }
                    throw IbidError.noDirectory(path)
                }
                guard let real = rest.withPlatformString({ realpath($0, nil) }) else {
                    throw IbidError.system("resolve", rest.string, lastError())
                }
                defer { free(real) }
                return (FilePath(platformString: real), missing)
            }
            guard errno == ENOENT || errno == ENOTDIR, let last = rest.lastComponent, last.kind == .regular else {
                throw errno == ENOENT ? IbidError.noDirectory(path) : .system("open", rest.string, lastError())
            }
            missing.insert(last.string, at: 0)
            rest.removeLastComponent()
            if rest.isEmpty { rest = "." }
        }
    }
}

/// What a snapshot says of itself, before its layer is written.
private struct SourceClaim {
    let commit: GitObjectID
    let root: GitObjectID
    /// nil for a working state, whose tree is known when it has been read.
    let tree: GitObjectID?
    let subdirectory: [UInt8]
    let revision: String
    let origin: String?
}

extension Store {
    /// Writes layer and proof. A crash on the way leaves blobs that nothing names, or none.
    fileprivate func keep(
        _ walk: inout TreeWalk, working: WorkingFiles?, _ claim: SourceClaim
    ) throws -> SourceSnapshot {
        try walk.sort()
        var proof = walk.proof
        let layer = try LayerAssembly(walk: walk, store: self, working: working).write(proof: &proof)
        let tree = working.map { $0.tree.finish(into: &proof) } ?? claim.tree ?? claim.root
        return SourceSnapshot(
            commit: claim.commit, tree: tree, rootTree: claim.root,
            subdirectory: String(decoding: claim.subdirectory, as: UTF8.self), dirty: working != nil,
            revision: claim.revision, origin: claim.origin, layer: layer.digest, layerSize: layer.size,
            proof: try proof.store(in: self))
    }
}
