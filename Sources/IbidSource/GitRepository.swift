import CGit2
import IbidModel
import SystemPackage

/// An open repository. Not for use by two threads at once.
final class GitRepository {
    let handle: OpaquePointer
    /// The repository's own directory; for a linked worktree, that worktree's.
    let gitDirectory: FilePath
    /// The directory that holds objects and refs, shared by linked worktrees.
    let commonDirectory: FilePath
    /// The checked-out tree; nil for a bare repository.
    let workingDirectory: FilePath?
    let objects: ObjectDatabase

    /// How a path leads to a repository.
    enum Opening {
        /// It lies inside the repository's working tree, or is its own directory.
        case containing
        /// It is a working tree's root, or the repository's own directory.
        case exactly
        /// It is the repository's own directory; its working tree plays no part and may be gone.
        case withoutWorkingTree
    }

    /// Opens a repository.
    init(at path: FilePath, _ opening: Opening) throws {
        try GitLibrary.ensureStarted()
        var handle: OpaquePointer?
        let flags =
            switch opening {
            case .containing: UInt32(0)
            case .exactly: UInt32(GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue)
            case .withoutWorkingTree: UInt32(GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue | GIT_REPOSITORY_OPEN_BARE.rawValue)
            }
        try GitLibrary.check(git_repository_open_ext(&handle, path.string, flags, nil))
        guard let handle, let own = git_repository_path(handle), let common = git_repository_commondir(handle) else {
            throw GitFailure(code: -1, kind: 0, message: "no repository at \(path)")
        }
        self.handle = handle
        gitDirectory = FilePath(String(cString: own))
        commonDirectory = FilePath(String(cString: common))
        workingDirectory = git_repository_workdir(handle).map { FilePath(String(cString: $0)) }
        do {
            objects = try ObjectDatabase(objects: commonDirectory.appending("objects"))
        } catch {
            git_repository_free(handle)
            throw error
        }
    }

    deinit { git_repository_free(handle) }

    /// The commit that a revision names; tags are followed. `GIT_EPEEL` when it names something else.
    func commit(_ revision: String) throws(GitFailure) -> GitObjectID {
        // git reads '@' as HEAD everywhere, libgit2 only when it stands alone or before '{'.
        let isShort = revision.hasPrefix("@") && revision.count > 1 && !revision.hasPrefix("@{")
        var object: OpaquePointer?
        try GitLibrary.check(git_revparse_single(&object, handle, isShort ? "HEAD" + revision.dropFirst() : revision))
        defer { git_object_free(object) }
        var commit: OpaquePointer?
        guard git_object_peel(&commit, object, GIT_OBJECT_COMMIT) == 0 else {
            throw GitFailure(code: GIT_EPEEL.rawValue, kind: 0, message: "not a commit")
        }
        defer { git_object_free(commit) }
        guard let id = git_object_id(commit).flatMap({ GitObjectID($0.pointee) }) else {
            throw GitFailure(code: -1, kind: 0, message: "the commit has no id")
        }
        return id
    }

    /// Whether there is no commit on the current branch yet.
    var isUnborn: Bool { git_repository_head_unborn(handle) == 1 }

    var isShallow: Bool { git_repository_is_shallow(handle) == 1 }

    /// Whether objects may be missing because a remote keeps them.
    var isPartialClone: Bool {
        withConfiguration { config in
            var iterator: OpaquePointer?
            guard
                git_config_iterator_glob_new(&iterator, config, "^(extensions\\.partialclone|remote\\..*\\.promisor)$")
                    == 0
            else { return false }
            defer { git_config_iterator_free(iterator) }
            var entry: UnsafeMutablePointer<git_config_entry>?
            return git_config_next(&entry, iterator) == 0
        } ?? false
    }

    /// A value of the configuration; nil when it is not set.
    func setting(_ name: String) -> String? {
        withConfiguration { config in
            var value: UnsafePointer<CChar>?
            guard git_config_get_string(&value, config, name) == 0 else { return nil }
            return value.map { String(cString: $0) }
        } ?? nil
    }

    /// Whether the file system tells which files are executable.
    private(set) lazy var trustsFileModes = setting("core.filemode") != "false"

    private func withConfiguration<T>(_ body: (OpaquePointer?) -> T) -> T? {
        var config: OpaquePointer?
        guard git_repository_config_snapshot(&config, handle) == 0 else { return nil }
        defer { git_config_free(config) }
        return body(config)
    }

    /// The filter that git calls for a path, by the attributes of a commit, or of the working tree when nil.
    func filter(for path: [UInt8], at commit: GitObjectID?) -> String? {
        var options = git_attr_options()
        options.version = UInt32(GIT_ATTR_OPTIONS_VERSION)
        var reader: GitRepository? = self
        if let commit {
            reader = withoutIndex
            options.flags = UInt32(GIT_ATTR_CHECK_INDEX_ONLY | GIT_ATTR_CHECK_INCLUDE_COMMIT)
            options.attr_commit_id = commit.raw
        }
        guard let reader else { return nil }
        var value: UnsafePointer<CChar>?
        let name = path.map { CChar(bitPattern: $0) } + [0]
        guard git_attr_get_ext(&value, reader.handle, &options, name, "filter") == 0,
            git_attr_value(value) == GIT_ATTR_VALUE_STRING
        else { return nil }
        return value.map { String(cString: $0) }
    }

    /// A second handle whose index is empty: attributes of a commit must not depend on what is staged now.
    private lazy var withoutIndex: GitRepository? = {
        guard let copy = try? GitRepository(at: gitDirectory, .exactly) else { return nil }
        var index: OpaquePointer?
        guard git_index_new(&index) == 0 else { return nil }
        defer { git_index_free(index) }
        return git_repository_set_index(copy.handle, index) == 0 ? copy : nil
    }()
}
