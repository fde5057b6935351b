import CGit2
import IbidModel
import SystemPackage

extension IbidError {
    // MARK: The repository

    /// The directory, or a part of the path to it, does not exist.
    static func noDirectory(_ path: FilePath) -> IbidError {
        IbidError("directory-not-found", "there is no directory '\(path)'", exit: .notFound)
    }

    /// The path names a file.
    static func notADirectory(_ path: String, at commit: GitObjectID? = nil) -> IbidError {
        IbidError(
            "not-a-directory", "'\(path)' is a file" + (commit.map { " at commit \($0)" } ?? ""),
            hint: "name the directory that holds the job", exit: .usage)
    }

    /// No repository contains the directory.
    static func notARepository(_ path: FilePath) -> IbidError {
        IbidError(
            "not-a-repository", "'\(path)' is not inside a git repository",
            hint: "a job is a directory in a git repository: 'git init', 'git add' and 'git commit' make one")
    }

    /// libgit2 cannot open a repository; the reasons that a user can do something about are told apart.
    static func unusableRepository(_ failure: GitFailure, at path: FilePath) -> IbidError {
        if failure.code == GIT_EOWNER.rawValue || failure.message.contains("safe.directory") {
            return IbidError(
                "repository-owner", "the git repository at '\(path)' belongs to another user",
                hint: "if you trust it: git config --global --add safe.directory '\(path)'")
        }
        if failure.message.contains("unsupported extension name") {
            let name = failure.message.split(separator: " ").last.map(String.init) ?? ""
            if name.contains("objectformat") {
                return IbidError(
                    "repository-sha256", "the git repository at '\(path)' uses SHA-256 object ids",
                    hint: "only SHA-1 repositories can be snapshotted so far")
            }
            return IbidError(
                "repository-format", "the git repository at '\(path)' uses '\(name)', which is not supported")
        }
        if failure.isNotFound { return notARepository(path) }
        return IbidError(
            "repository-unusable", "the git repository at '\(path)' cannot be opened: \(failure.message)")
    }

    /// Another libgit2 call failed.
    static func git(_ operation: String, _ failure: GitFailure) -> IbidError {
        IbidError("git", "cannot \(operation): \(failure.message)")
    }

    /// A bare repository has no current state that a user could mean.
    static func bareRepository(_ path: FilePath) -> IbidError {
        IbidError(
            "bare-repository", "'\(path)' is a bare repository, which has no working tree",
            hint: "name a commit: --rev BRANCH", exit: .usage)
    }

    /// The repository has no commit on its branch.
    static func emptyRepository(_ path: FilePath) -> IbidError {
        IbidError(
            "repository-empty", "the git repository at '\(path)' has no commit yet",
            hint: "'git add' and 'git commit' your files first")
    }

    // MARK: The revision

    /// A revision names nothing.
    static func revisionNotFound(_ revision: String, shallow: Bool) -> IbidError {
        IbidError(
            "revision-not-found", "there is no revision '\(revision)'",
            hint: shallow
                ? "this is a shallow clone: 'git fetch --unshallow' brings the older commits"
                : "'git log --oneline --all' lists commits; a remote branch may need 'git fetch'", exit: .notFound)
    }

    /// An abbreviation stands for several objects.
    static func revisionAmbiguous(_ revision: String) -> IbidError {
        IbidError(
            "revision-ambiguous", "'\(revision)' is the beginning of several object ids", hint: "give more digits",
            exit: .usage)
    }

    /// A revision is not written as one.
    static func revisionMalformed(_ revision: String, _ reason: String) -> IbidError {
        IbidError(
            "revision-malformed", "'\(revision)' is not a revision: \(reason)",
            hint: "name one commit: a branch, a tag, an id, HEAD~1", exit: .usage)
    }

    /// A revision names a tree or a blob.
    static func revisionNotACommit(_ revision: String) -> IbidError {
        IbidError("revision-not-a-commit", "'\(revision)' does not name a commit", exit: .usage)
    }

    /// The commit does not have the job's directory.
    static func directoryNotInCommit(_ path: [UInt8], _ commit: GitObjectID) -> IbidError {
        IbidError(
            "directory-not-in-commit", "commit \(commit.hex.prefix(12)) has no directory '\(display(path))'",
            exit: .notFound)
    }

    /// The job's directory belongs to a submodule.
    static func directoryInSubmodule(_ path: [UInt8], submodule: [UInt8]) -> IbidError {
        IbidError(
            "directory-in-submodule", "'\(display(path))' lies in the submodule '\(display(submodule))'",
            hint: "submit it from the submodule's own repository", exit: .usage)
    }

    // MARK: The tree

    /// The working tree differs from the commit.
    static func dirtyTree(_ changes: [(path: [UInt8], change: String)]) -> IbidError {
        var names = changes.prefix(5).map { "\(display($0.path)) (\($0.change))" }.joined(separator: ", ")
        if changes.count > 5 { names += " and \(changes.count - 5) more" }
        return IbidError(
            "dirty-tree", "the job's directory has changes that no commit holds: \(names)",
            hint: "commit them, name a commit with --rev, or take the files as they are with --allow-dirty")
    }

    /// A member cannot be in a layer.
    static func refusedPath(_ path: [UInt8], _ reason: String) -> IbidError {
        IbidError("source-path-refused", "'\(display(path))' \(reason)")
    }

    /// A file changed under the reader.
    static func changedWhileRead(_ path: [UInt8]) -> IbidError {
        IbidError("source-changed", "'\(display(path))' changed while it was read", hint: "try again")
    }

    /// No local repository has a submodule's commit.
    static func submoduleMissing(_ path: [UInt8], _ commit: GitObjectID) -> IbidError {
        IbidError(
            "submodule-missing", "the submodule '\(display(path))' is not here at commit \(commit.hex.prefix(12))",
            hint: "'git submodule update --init --recursive' brings it")
    }

    /// A submodule has changes of its own.
    static func submoduleChanged(_ path: [UInt8]) -> IbidError {
        IbidError(
            "submodule-changed", "the submodule '\(display(path))' differs from what the repository records",
            hint: "commit in the submodule, then 'git add' it here")
    }

    /// The local LFS store lacks an object.
    static func lfsObjectMissing(_ path: [UInt8], _ digest: Digest) -> IbidError {
        IbidError(
            "lfs-object-missing", "'\(display(path))' is kept by Git LFS, and its content is not here (\(digest))",
            hint: "'git lfs pull' brings it")
    }

    /// An object in the local LFS store is not what its pointer says.
    static func lfsObjectDamaged(_ path: [UInt8], at place: FilePath) -> IbidError {
        IbidError(
            "lfs-object-damaged", "the Git LFS content of '\(display(path))' is damaged: \(place)",
            hint: "remove that file, then 'git lfs pull'", exit: .verificationFailed)
    }

    /// An object cannot be read: missing (a partial or broken clone) or damaged.
    static func unreadableObject(
        _ id: GitObjectID, path: [UInt8]?, _ repository: GitRepository, _ failure: GitFailure
    ) -> IbidError {
        let name = path.map { "'\(display($0))' (git object \(id))" } ?? "commit \(id)"
        guard failure.isNotFound else {
            return IbidError(
                "git-object-damaged", "\(name) cannot be read: \(failure.message)",
                hint: "'git fsck' tells what is wrong", exit: .verificationFailed)
        }
        let hint =
            repository.isPartialClone
            ? "this is a partial clone: 'git archive REVISION > /dev/null' fetches what it needs"
            : repository.isShallow ? "'git fetch --unshallow' brings the rest" : "'git fsck' tells what is wrong"
        return IbidError("git-object-missing", "\(name) is not in the repository", hint: hint)
    }

    /// An object is not what it should be.
    static func malformedObject(_ id: GitObjectID, _ kind: String) -> IbidError {
        IbidError(
            "git-object-damaged", "git object \(id) is not \(kind)", hint: "'git fsck' tells what is wrong",
            exit: .verificationFailed)
    }
}
