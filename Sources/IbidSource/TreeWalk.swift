import IbidModel
import SystemPackage

/// Walks git trees, and the submodules in them, and keeps what a proof needs.
struct TreeWalk {
    private(set) var parts: [SourcePart] = []
    private(set) var entries: [SourceEntry] = []
    var proof = ProofObjects()

    /// Walks the job's directory of a commit; returns its tree.
    mutating func walk(
        _ repository: GitRepository, commit: GitObjectID, subdirectory: [UInt8]
    ) throws -> (root: GitObjectID, tree: GitObjectID) {
        let root = try rootTree(of: commit, in: repository)
        let tree = try descend(from: root, to: subdirectory, in: repository, commit: commit)
        parts.append(
            SourcePart(repository: repository, commit: commit, layerPrefix: [], repositoryPrefix: subdirectory))
        try add(tree: tree, at: [], part: 0)
        return (root, tree)
    }

    /// Adds a part by hand, for a working state.
    mutating func append(part: SourcePart) -> Int {
        parts.append(part)
        return parts.count - 1
    }

    /// Adds an entry by hand, for a working state.
    mutating func append(_ entry: SourceEntry) { entries.append(entry) }

    /// Puts the entries into the order of the layer: by the bytes of the whole path, so a parent before its children.
    ///
    /// - Throws: when a tree names something twice, which git itself never writes.
    mutating func sort() throws {
        entries.sort { $0.path.lexicographicallyPrecedes($1.path) }
        for (entry, next) in zip(entries, entries.dropFirst()) where entry.path == next.path {
            throw IbidError.refusedPath(entry.path, "is in the tree twice")
        }
    }

    /// The root tree of a commit.
    mutating func rootTree(of commit: GitObjectID, in repository: GitRepository) throws -> GitObjectID {
        let bytes = try read(commit, .commit, in: repository, path: nil)
        guard let root = treeOfCommit(bytes) else { throw IbidError.malformedObject(commit, "a commit") }
        return root
    }

    /// Finds the tree of a directory, keeping each tree on the way for the proof.
    mutating func descend(
        from root: GitObjectID, to subdirectory: [UInt8], in repository: GitRepository, commit: GitObjectID
    ) throws -> GitObjectID {
        var tree = root
        var path: [UInt8] = []
        for name in subdirectory.split(separator: UInt8(ascii: "/")) {
            let entries = try self.tree(tree, in: repository, path: path).entries
            path = joined(path, Array(name))
            guard let entry = entries.first(where: { $0.name == Array(name) }) else {
                throw IbidError.directoryNotInCommit(subdirectory, commit)
            }
            switch entry.kind {
            case .directory: tree = entry.id
            case .submodule: throw IbidError.directoryInSubmodule(subdirectory, submodule: path)
            case .file, .symlink: throw IbidError.notADirectory(display(path), at: commit)
            }
        }
        return tree
    }

    private mutating func add(tree: GitObjectID, at prefix: [UInt8], part: Int) throws {
        for entry in try self.tree(tree, in: parts[part].repository, path: prefix).entries {
            let path = try checked(joined(prefix, entry.name), name: entry.name)
            switch entry.kind {
            case .file(let executable):
                entries.append(
                    SourceEntry(path: path, kind: .file(executable: executable), part: part, blob: entry.id))
            case .symlink:
                entries.append(SourceEntry(path: path, kind: .symlink, part: part, blob: entry.id))
            case .directory:
                entries.append(SourceEntry(path: path, kind: .directory, part: part, blob: nil))
                try add(tree: entry.id, at: path, part: part)
            case .submodule:
                try add(submodule: entry.id, at: path, of: part)
            }
        }
    }

    /// Adds a submodule's content at the commit that its parent records.
    mutating func add(submodule commit: GitObjectID, at path: [UInt8], of parent: Int) throws {
        let owner = parts[parent]
        let repository = try Submodule.repository(
            at: owner.pathInRepository(path), in: owner.repository, commit: owner.commit, needing: commit, shownAs: path
        )
        entries.append(SourceEntry(path: path, kind: .directory, part: parent, blob: nil))
        let part = append(
            part: SourcePart(repository: repository, commit: commit, layerPrefix: path, repositoryPrefix: []))
        try add(tree: try rootTree(of: commit, in: repository), at: path, part: part)
    }

    private mutating func tree(_ id: GitObjectID, in repository: GitRepository, path: [UInt8]) throws -> GitTree {
        let bytes = try read(id, .tree, in: repository, path: path)
        guard let tree = bytes.withUnsafeBytes({ GitTree($0) }) else { throw IbidError.malformedObject(id, "a tree") }
        return tree
    }

    private mutating func read(
        _ id: GitObjectID, _ kind: ObjectDatabase.Kind, in repository: GitRepository, path: [UInt8]?
    ) throws -> [UInt8] {
        let content: ObjectContent
        do {
            content = try repository.objects.read(id)
        } catch {
            throw IbidError.unreadableObject(id, path: path, repository, error)
        }
        guard content.kind == kind else { throw IbidError.malformedObject(id, "a \(kind.rawValue)") }
        let bytes = content.bytes
        proof.add(id, kind: kind, content: bytes)
        return bytes
    }

    /// Names that git itself would not check out, and paths that no Linux can hold, do not get into a layer.
    private func checked(_ path: [UInt8], name: [UInt8]) throws -> [UInt8] {
        let text = String(decoding: name, as: UTF8.self)
        guard !name.isEmpty, !name.contains(UInt8(ascii: "/")), ![".", "..", ".git"].contains(text.lowercased()) else {
            throw IbidError.refusedPath(path, "has a name that cannot be checked out")
        }
        guard name.count <= 255, path.count < 4_096 else { throw IbidError.refusedPath(path, "is too long for Linux") }
        return path
    }
}
