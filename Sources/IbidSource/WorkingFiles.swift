import CGit2
import Glibc
import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// Reads the files of a working state into a layer, and learns the tree that they are on the way: each file is read
/// once, so tree and layer cannot disagree, whatever changes meanwhile.
final class WorkingFiles {
    private let state: WorkingState
    private let subdirectory: [UInt8]
    private var members: [[UInt8]: WorkingState.Member] = [:]
    /// The tree of what has been read.
    let tree = WorkingTree()

    init(_ state: WorkingState, subdirectory: [UInt8]) {
        self.state = state
        self.subdirectory = subdirectory
    }

    /// Adds what is there to the walk: files and links of the working state, submodules at their recorded commits.
    func collect(into walk: inout TreeWalk) throws {
        let part = walk.append(
            part: SourcePart(
                repository: state.repository, commit: nil, layerPrefix: [], repositoryPrefix: subdirectory))
        var directories: Set<[UInt8]> = []
        for member in try state.members(below: subdirectory) where !isAbsent(member) {
            let path = Array(member.path.dropFirst(subdirectory.isEmpty ? 0 : subdirectory.count + 1))
            if member.isSubmodule {
                guard member.change == nil, let commit = member.indexed else {
                    throw IbidError.submoduleChanged(path)
                }
                addParents(of: path, &directories, part, &walk)
                try walk.add(submodule: commit, at: path, of: part)
                tree.addSubmodule(path, commit: commit)
                continue
            }
            guard let kind = try kind(of: member, path) else { continue }
            addParents(of: path, &directories, part, &walk)
            if member.isSparse, let blob = member.indexed {
                walk.append(SourceEntry(path: path, kind: kind, part: part, blob: blob))
                switch kind {
                case .file(let executable): tree.addFile(path, executable: executable, id: blob)
                case .symlink, .directory: tree.addSymlink(path, id: blob)
                }
                continue
            }
            members[path] = member
            walk.append(SourceEntry(path: path, kind: kind, part: part, blob: nil))
        }
    }

    private func isAbsent(_ member: WorkingState.Member) -> Bool {
        if member.isSparse { return false }
        return member.has(GIT_STATUS_WT_DELETED) || member.has(GIT_STATUS_IGNORED)
            || (member.has(GIT_STATUS_INDEX_DELETED) && !member.has(GIT_STATUS_WT_NEW))
    }

    private func kind(of member: WorkingState.Member, _ path: [UInt8]) throws -> SourceEntry.Kind? {
        guard member.path.last != UInt8(ascii: "/") else {
            throw IbidError.refusedPath(path, "is a git repository of its own")
        }
        let indexed = member.indexedMode == GIT_FILEMODE_BLOB_EXECUTABLE.rawValue
        if member.isSparse {
            return member.indexedMode == GIT_FILEMODE_LINK.rawValue ? .symlink : .file(executable: indexed)
        }
        var status = stat()
        guard state.root.appending(bytes: member.path).withPlatformString({ lstat($0, &status) }) == 0 else {
            return nil  // gone since git looked
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            return .file(executable: state.repository.trustsFileModes ? status.st_mode & S_IXUSR != 0 : indexed)
        case S_IFLNK: return .symlink
        default: return nil  // git passes over pipes, sockets and devices, and a directory's files come by themselves
        }
    }

    private func addParents(
        of path: [UInt8], _ known: inout Set<[UInt8]>, _ part: Int, _ walk: inout TreeWalk
    ) {
        var parent = path
        while let slash = parent.lastIndex(of: UInt8(ascii: "/")) {
            parent = Array(parent[..<slash])
            guard known.insert(parent).inserted else { return }
            walk.append(SourceEntry(path: parent, kind: .directory, part: part, blob: nil))
        }
    }

    private func location(_ path: [UInt8]) -> FilePath { state.root.appending(bytes: joined(subdirectory, path)) }

    /// Writes a symbolic link.
    func symlink(_ entry: SourceEntry, into layer: inout SourceLayerWriter) throws {
        var buffer = [CChar](repeating: 0, count: 4_097)
        let path = location(entry.path)
        let count = path.withPlatformString { readlink($0, &buffer, 4_097) }
        guard count >= 0 else { throw IbidError.system("read", path.string, lastError()) }
        let target = buffer.prefix(count).map { UInt8(bitPattern: $0) }
        try layer.symlink(entry.path, target: target)
        tree.addSymlink(entry.path, id: gitObjectID(.blob, target))
    }

    /// Writes a file; an LFS pointer that was not checked out is resolved as in a commit.
    func file(
        _ entry: SourceEntry, _ executable: Bool, part: SourcePart, into layer: inout SourceLayerWriter,
        _ proof: inout ProofObjects
    ) throws {
        let file = try OpenFile(location(entry.path))
        if file.size <= LFSPointer.sizeLimit {
            var bytes: [UInt8] = []
            try file.forEachChunk { bytes.append(contentsOf: $0) }
            let id = gitObjectID(.blob, bytes)
            tree.addFile(entry.path, executable: executable, id: id)
            guard let pointer = bytes.withUnsafeBytes({ LFSPointer($0) }),
                part.repository.filter(for: part.pathInRepository(entry.path), at: nil) == "lfs"
            else {
                return try bytes.withUnsafeBytes { try layer.file(entry.path, executable: executable, content: $0) }
            }
            proof.add(id, kind: .blob, content: bytes)
            return try writeLFS(pointer, of: entry, executable, part.repository, &layer)
        }
        let id = try copy(file, entry, executable, into: &layer, &proof)
        tree.addFile(entry.path, executable: executable, id: id)
    }

    private func copy(
        _ file: borrowing OpenFile, _ entry: SourceEntry, _ executable: Bool, into layer: inout SourceLayerWriter,
        _ proof: inout ProofObjects
    ) throws -> GitObjectID {
        try layer.startFile(entry.path, executable: executable, size: file.size)
        var hasher = GitObjectHasher(.blob, size: file.size)
        // A file that Git LFS put in place of its pointer is the pointer's blob in git's eyes.
        let pointer = try members[entry.path].flatMap { try state.pointer(in: $0) }
        var content: SHA256Hasher? = pointer == nil ? nil : SHA256Hasher()
        var left = file.size
        try file.forEachChunk { bytes in
            left -= Int64(bytes.count)
            guard left >= 0 else { throw IbidError.changedWhileRead(entry.path) }
            hasher.update(bytes)
            content?.update(bytes)
            try layer.content(bytes)
        }
        guard left == 0 else { throw IbidError.changedWhileRead(entry.path) }
        let id = hasher.finish()
        let digest = content.take()?.finish()
        guard let digest, digest == pointer?.digest, let indexed = members[entry.path]?.indexed else { return id }
        proof.add(indexed, kind: .blob, content: try state.repository.objects.read(indexed).bytes)
        return indexed
    }
}
