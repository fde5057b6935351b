import CGit2
import Glibc
import IbidModel
import SystemPackage

/// What lies in the working tree below a directory, as git sees it. Nothing of the user's is written, the index
/// included.
struct WorkingState {
    /// One path that git tracks or would add.
    struct Member {
        /// Relative to the working tree's root.
        let path: [UInt8]
        /// `git_status_t` bits.
        let status: UInt32
        /// The blob (or, for a submodule, the commit) in the index.
        let indexed: GitObjectID?
        let indexedMode: UInt32
        /// Left out of the working tree by a sparse checkout; the index stands for it.
        var isSparse = false

        func has(_ bit: git_status_t) -> Bool { status & bit.rawValue != 0 }
        var isSubmodule: Bool { indexedMode == GIT_FILEMODE_COMMIT.rawValue }
        /// How git calls the change; nil when there is none.
        var change: String? {
            if isSparse { return nil }
            if has(GIT_STATUS_CONFLICTED) { return "conflicted" }
            if has(GIT_STATUS_WT_NEW) { return "untracked" }
            if has(GIT_STATUS_WT_DELETED) || has(GIT_STATUS_INDEX_DELETED) { return "deleted" }
            if has(GIT_STATUS_INDEX_NEW) { return "added" }
            if has(GIT_STATUS_WT_TYPECHANGE) || has(GIT_STATUS_INDEX_TYPECHANGE) { return "type changed" }
            return status == GIT_STATUS_CURRENT.rawValue || has(GIT_STATUS_IGNORED) ? nil : "modified"
        }
    }

    let repository: GitRepository
    let root: FilePath

    /// The first changes below a directory, in git's order; an untracked directory counts as one.
    func changes(below subdirectory: [UInt8]) throws -> [(path: [UInt8], change: String)] {
        let flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED.rawValue
        return try members(below: subdirectory, flags: flags).compactMap { member in
            guard let change = member.change, try isReal(member) else { return nil }
            // libgit2 runs no filters of the user's; what they undo is unchanged for git once it was added.
            if member.status == GIT_STATUS_WT_MODIFIED.rawValue, !member.isSubmodule,
                let filter = repository.filter(for: member.path, at: nil), filter != "lfs"
            {
                return (member.path, "modified; if its filter '\(filter)' undoes that, 'git add' it")
            }
            return (member.path, change)
        }
    }

    /// Everything below a directory that is tracked or that git would add.
    func members(below subdirectory: [UInt8]) throws -> [Member] {
        let flags =
            GIT_STATUS_OPT_INCLUDE_UNTRACKED.rawValue | GIT_STATUS_OPT_RECURSE_UNTRACKED_DIRS.rawValue
            | GIT_STATUS_OPT_INCLUDE_UNMODIFIED.rawValue
        return try members(below: subdirectory, flags: flags)
    }

    private func members(below subdirectory: [UInt8], flags: UInt32) throws -> [Member] {
        var options = git_status_options()
        try GitLibrary.check(git_status_options_init(&options, UInt32(GIT_STATUS_OPTIONS_VERSION)))
        options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR
        options.flags = flags | GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH.rawValue
        var pathspec = subdirectory.map { CChar(bitPattern: $0) } + [0]
        var list: OpaquePointer?
        try pathspec.withUnsafeMutableBufferPointer { text in
            var strings: [UnsafeMutablePointer<CChar>?] = [text.baseAddress]
            try strings.withUnsafeMutableBufferPointer { array in
                if !subdirectory.isEmpty { options.pathspec = git_strarray(strings: array.baseAddress, count: 1) }
                try GitLibrary.check(git_status_list_new(&list, repository.handle, &options))
            }
        }
        defer { git_status_list_free(list) }
        var index: OpaquePointer?
        try GitLibrary.check(git_repository_index(&index, repository.handle))
        defer { git_index_free(index) }
        return (0..<git_status_list_entrycount(list)).compactMap { position in
            guard var member = git_status_byindex(list, position).flatMap({ Self.member($0.pointee) }) else {
                return nil
            }
            member.isSparse = member.status == GIT_STATUS_WT_DELETED.rawValue && Self.isSparse(member.path, in: index)
            return member
        }
    }

    private static func isSparse(_ path: [UInt8], in index: OpaquePointer?) -> Bool {
        let name = path.map { CChar(bitPattern: $0) } + [0]
        guard let entry = git_index_get_bypath(index, name, 0) else { return false }
        return UInt32(entry.pointee.flags_extended) & GIT_INDEX_ENTRY_SKIP_WORKTREE.rawValue != 0
    }

    private static func member(_ entry: git_status_entry) -> Member? {
        // The side of the index: what HEAD turned into, or what the working tree started from.
        let indexed = entry.index_to_workdir?.pointee.old_file ?? entry.head_to_index?.pointee.new_file
        let name = entry.index_to_workdir?.pointee.new_file.path ?? entry.head_to_index?.pointee.new_file.path
        let old = entry.head_to_index?.pointee.old_file.path
        guard let path = name ?? indexed?.path ?? old else { return nil }
        let bytes = UnsafeRawBufferPointer(start: path, count: strlen(path))
        return Member(
            path: Array(bytes), status: entry.status.rawValue,
            indexed: indexed.flatMap { $0.flags & GIT_DIFF_FLAG_VALID_ID.rawValue != 0 ? GitObjectID($0.id) : nil },
            indexedMode: UInt32(indexed?.mode ?? 0))
    }

    /// Whether a change is one for git too: libgit2 runs no filters, so a file that Git LFS put in place of its
    /// pointer looks modified to it; and it lists named pipes and sockets, which git passes over.
    private func isReal(_ member: Member) throws -> Bool {
        var status = stat()
        let path = root.appending(bytes: member.path)
        let exists = path.withPlatformString { lstat($0, &status) } == 0
        if member.has(GIT_STATUS_WT_NEW) {
            return !exists || [S_IFREG, S_IFLNK, S_IFDIR].contains(status.st_mode & S_IFMT)
        }
        guard exists, member.status == GIT_STATUS_WT_MODIFIED.rawValue, status.st_mode & S_IFMT == S_IFREG,
            let pointer = try pointer(in: member), pointer.size == Int64(status.st_size)
        else { return true }
        return try sha256(of: path) != pointer.digest
    }

    /// The LFS pointer that the index has for a file, if it has one.
    func pointer(in member: Member) throws -> LFSPointer? {
        guard let id = member.indexed, !member.isSubmodule, repository.objects.contains(id),
            try repository.objects.size(of: id) <= LFSPointer.sizeLimit
        else { return nil }
        return try repository.objects.read(id).withBytes { LFSPointer($0) }
    }
}

extension FilePath {
    /// The path below this one whose bytes, which may be no UTF-8, are given.
    func appending(bytes: [UInt8]) -> FilePath {
        let own = withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
        let separator: [CChar] = own.last == CChar(bitPattern: UInt8(ascii: "/")) ? [] : [47]
        return FilePath(platformString: own + separator + bytes.map { CChar(bitPattern: $0) } + [0])
    }
}
