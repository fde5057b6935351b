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
    /// What becomes of permissions; nil keeps those of the source.
    var mode: FileMode?
    /// `--link`: no link of the image is followed.
    var isLinked = false

    /// What is written, by path.
    struct Entry {
        var entry: TarEntry
        var content = CopyPlan.Content.none
        /// Files with one number are one file with several names.
        var group: Int?
    }

    var entries: [[UInt8]: Entry] = [:]
    /// The last number of a group.
    var groups = 0

    init(root: any CopySource, epoch: Timestamp) {
        self.root = root
        self.epoch = epoch
    }

    /// Places what a plan holds.
    ///
    /// - Parameters:
    ///   - destination: absolute, with a slash at its end when it has to be a directory.
    /// - Throws: `CopyProblem` when something else is in the way.
    mutating func place(_ plan: CopyPlan, at destination: String) throws {
        let mustBeDirectory = destination.hasSuffix("/")
        for piece in plan.pieces {
            var (path, existing) = try target(destination)
            if let archive = piece.archive {
                try makeDirectories(path)
                try unpack(archive, below: path)
                continue
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
            } else if plan.pieces.count > 1 {
                throw CopyProblem(
                    problem: "several sources go to '\(destination)', which must therefore be a directory",
                    hint: "write '\(destination)/'")
            } else {
                try makeDirectories(path.parentPath)
            }
            for item in piece.items { try add(item, at: path) }
        }
    }

    /// Where a destination leads, and what is there.
    private func target(_ destination: String) throws -> (path: [UInt8], node: CopyNode?) {
        let path = Array(destination.utf8)
        if !isLinked { return try resolve(path) }
        let plain = Array(path.split(separator: UInt8(ascii: "/")).joined(separator: [UInt8(ascii: "/")]))
        if plain.isEmpty { return (plain, try root.node([])) }
        return (plain, entries[plain].map { CopyNode($0.entry) })
    }

    /// Makes a directory and what is missing above it; existing ones are left as they are, but named, because a layer
    /// that does not name a directory would change it where it is unpacked.
    mutating func makeDirectories(_ path: [UInt8]) throws {
        if path.isEmpty { return }
        if let made = entries[path]?.entry {
            guard made.kind == .directory else { throw CopyProblem.notDirectory(path) }
            return
        }
        try CopyProblem.checkName(path)
        try makeDirectories(path.parentPath)
        var entry = TarEntry(path: path, kind: .directory, mode: 0o755, mtime: epoch.seconds)
        let existing = try node(path)
        if let existing, existing.isDirectory {
            (entry.mode, entry.uid, entry.gid) = (existing.mode, existing.uid, existing.gid)
        } else if existing != nil, !isLinked {
            throw CopyProblem.notDirectory(path)
        } else if let owner {
            (entry.uid, entry.gid) = owner
        }
        entries[path] = Entry(entry: entry)
    }

    private mutating func add(_ item: CopyPlan.Item, at path: [UInt8]) throws {
        let source = item.node
        var entry = TarEntry(
            path: path, kind: .directory,
            mode: mode?.applied(to: source.mode, isDirectory: source.isDirectory) ?? source.mode,
            uid: owner?.uid ?? source.uid, gid: owner?.gid ?? source.gid,
            mtime: max(0, min(source.mtime, epoch.seconds)), xattrs: source.xattrs)
        let existing = try node(path)
        switch source.kind {
        case .special: return
        case .directory:
            if let existing, !existing.isDirectory, !isLinked { throw CopyProblem.notDirectory(path) }
        case .symlink(let target):
            entry.kind = .symlink(target)
            entry.mode = 0o777
        case .file(let size): entry.kind = .file(size: size)
        }
        if !source.isDirectory, existing?.isDirectory ?? false {
            throw CopyProblem(
                problem: "'/\(String(decoding: path, as: UTF8.self))' is a directory",
                hint: isLinked ? "with --link a destination that is a directory ends with /" : nil)
        }
        try CopyProblem.checkName(path)
        try makeDirectories(path.parentPath)
        entries[path] = Entry(entry: entry, content: item.content)
    }

    /// Writes the layer; nil when there is nothing in it.
    func write(into store: Store) throws -> OCI.Descriptor? {
        guard !entries.isEmpty else { return nil }
        let writer = try store.writer()
        try write { try writer.write($0) }
        let (digest, size) = try writer.finish()
        return OCI.Descriptor(mediaType: OCI.MediaType.layer, digest: digest, size: size)
    }

    /// Writes the layer's archive.
    func write(to output: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        var tar = TarWriter(output)
        // In byte order a directory comes before what it holds, and the first name of a file is the file.
        var firstNames: [Int: [UInt8]] = [:]
        for path in entries.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let made = entries[path] else { continue }
            let (content, group) = (made.content, made.group)
            var entry = made.entry
            if let group, let first = firstNames[group] { entry.kind = .hardlink(first) }
            if let group, firstNames[group] == nil { firstNames[group] = path }
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
    }
}

extension CopyLayer: FileTree {
    /// What the image will have at a path: what is written, or else what was there and is not covered by it.
    func node(_ path: [UInt8]) throws -> CopyNode? {
        if let made = entries[path] { return CopyNode(made.entry) }
        var above = path
        while !above.isEmpty {
            above = above.parentPath
            if let made = entries[above] {
                guard made.entry.kind == .directory else { return nil }
                break
            }
        }
        return try root.node(path)
    }
}

extension CopyNode {
    /// What an entry of a layer looks like.
    init(_ entry: TarEntry) {
        self.init(
            kind: .special, mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime: entry.mtime, xattrs: entry.xattrs)
        switch entry.kind {
        case .directory: kind = .directory
        case .file(let size): kind = .file(size: size)
        case .symlink(let target): kind = .symlink(target)
        case .hardlink, .characterDevice, .blockDevice, .fifo: break
        }
    }
}

/// Why a copy cannot be done; the step adds file and line.
struct CopyProblem: Error {
    /// What is wrong, as a phrase.
    var problem: String
    /// What to do about it.
    var hint: String?

    static func notDirectory(_ path: [UInt8]) -> CopyProblem {
        CopyProblem(problem: "'/\(String(decoding: path, as: UTF8.self))' exists and is not a directory")
    }

    /// Refuses what no file system or no layer can hold (layer.md, "Whiteouts": some names say that a file is gone).
    static func checkName(_ path: [UInt8]) throws {
        guard path.count < 4_096, path.lastName.count <= 255 else {
            throw CopyProblem(problem: "a path is longer than 4095 bytes, or a name in it than 255")
        }
        guard path.lastName.starts(with: Array(".wh.".utf8)) else { return }
        throw CopyProblem(
            problem: "'/\(String(decoding: path, as: UTF8.self))' has a name that a layer cannot hold",
            hint: "names that begin with .wh. mean in a layer that a file is removed")
    }
}

extension [UInt8] {
    /// A path below this one.
    func appendingPath(_ path: [UInt8]) -> [UInt8] { path.isEmpty ? self : child(path) }
}
