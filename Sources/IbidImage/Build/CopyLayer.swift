import IbidLayer
import IbidModel
import IbidStore

/// Writes the layer of a `COPY`, `ADD` or `WORKDIR`: nothing is copied on disk, the archive is made directly.
struct CopyLayer {
    /// Owner and group of what is written; nil keeps those of the source.
    typealias Owner = (uid: UInt32, gid: UInt32)

    /// The image's root before the step.
    let root: any CopySource
    let epoch: Timestamp
    var owner: Owner?
    /// Permissions of what is written; nil keeps those of the source.
    var mode: UInt32?

    private var entries: [[UInt8]: (entry: TarEntry, content: CopyPlan.Content)] = [:]

    init(root: any CopySource, epoch: Timestamp, owner: Owner? = nil, mode: UInt32? = nil) {
        self.root = root
        self.epoch = epoch
        self.owner = owner
        self.mode = mode
    }

    /// Places what a plan holds.
    ///
    /// - Parameters:
    ///   - destination: absolute, with a slash at its end when it has to be a directory.
    /// - Throws: `CopyProblem` when something else is in the way.
    mutating func place(_ plan: CopyPlan, at destination: String) throws {
        let mustBeDirectory = destination.hasSuffix("/")
        for piece in plan.pieces {
            var (path, existing) = try root.resolve(Array(destination.utf8))
            if existing == nil, let made = entries[path]?.entry, case .directory = made.kind {
                existing = CopyNode(kind: .directory, mode: made.mode)
            }
            if piece.isDirectory {
                // The content of a directory goes into the destination, which becomes one.
                if let existing, !existing.isDirectory {
                    throw CopyProblem(problem: "'\(destination)' exists and is not a directory")
                }
                try makeDirectories(path)
                for item in piece.items where !item.target.isEmpty {
                    try add(item, at: path.appendingPath(item.target))
                }
                continue
            }
            if existing?.isDirectory ?? mustBeDirectory {
                try makeDirectories(path)
                path = path.appendingPath(piece.name)
                if let (_, node) = try? root.resolve(path, followLast: false), node?.isDirectory ?? false {
                    throw CopyProblem(problem: "'/\(String(decoding: path, as: UTF8.self))' is a directory")
                }
            } else {
                try makeDirectories(path.parentPath)
            }
            for item in piece.items { try add(item, at: path) }
        }
    }

    /// Makes a directory and what is missing above it; existing ones are left as they are, but named, because a layer
    /// that does not name a directory would change it where it is unpacked.
    mutating func makeDirectories(_ path: [UInt8]) throws {
        if path.isEmpty || entries[path] != nil { return }
        try makeDirectories(path.parentPath)
        var entry = TarEntry(path: path, kind: .directory, mode: 0o755, mtime: epoch.seconds)
        if let node = try root.node(path) {
            guard node.isDirectory else {
                throw CopyProblem(problem: "'/\(String(decoding: path, as: UTF8.self))' exists and is not a directory")
            }
            (entry.mode, entry.uid, entry.gid) = (node.mode, node.uid, node.gid)
        } else if let owner {
            (entry.uid, entry.gid) = owner
        }
        entries[path] = (entry, .none)
    }

    private mutating func add(_ item: CopyPlan.Item, at path: [UInt8]) throws {
        let node = item.node
        var entry = TarEntry(
            path: path, kind: .directory, mode: mode ?? node.mode, uid: owner?.uid ?? node.uid,
            gid: owner?.gid ?? node.gid, mtime: max(0, min(node.mtime, epoch.seconds)), xattrs: node.xattrs)
        switch node.kind {
        case .special: return
        case .directory:
            if let existing = try root.resolve(path, followLast: false).node {
                guard existing.isDirectory else {
                    throw CopyProblem(
                        problem: "'/\(String(decoding: path, as: UTF8.self))' exists and is not a directory")
                }
            }
            if mode == nil { entry.mode = node.mode }
        case .symlink(let target):
            entry.kind = .symlink(target)
            entry.mode = 0o777
        case .file(let size): entry.kind = .file(size: size)
        }
        if !node.isDirectory, try root.node(path)?.isDirectory ?? false {
            throw CopyProblem(problem: "'/\(String(decoding: path, as: UTF8.self))' is a directory")
        }
        try makeDirectories(path.parentPath)
        entries[path] = (entry, item.content)
    }

    /// Writes the layer; nil when there is nothing in it.
    func write(into store: Store) throws -> OCI.Descriptor? {
        guard !entries.isEmpty else { return nil }
        let writer = try store.writer()
        var tar = TarWriter { try writer.write($0) }
        // In byte order a directory comes before what it holds.
        for path in entries.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let (entry, content) = entries[path] else { continue }
            try tar.add(entry)
            guard case .file(let size) = entry.kind else { continue }
            var written: Int64 = 0
            try CopyPlan.read(content) { piece in
                written += Int64(piece.count)
                guard written <= size else {
                    throw CopyProblem(problem: "'\(entry.displayPath)' grew while it was read")
                }
                try tar.content(piece)
            }
            guard written == size else { throw CopyProblem(problem: "'\(entry.displayPath)' shrank while it was read") }
        }
        try tar.finish()
        let (digest, size) = try writer.finish()
        return OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: digest, size: size)
    }
}

/// Why a copy cannot be done; the step adds file and line.
struct CopyProblem: Error {
    /// What is wrong, as a phrase.
    var problem: String
}

extension [UInt8] {
    /// A path below this one.
    func appendingPath(_ path: [UInt8]) -> [UInt8] { path.isEmpty ? self : child(path) }
}
