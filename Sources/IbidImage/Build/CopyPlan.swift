import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// What one `COPY` or `ADD` puts into an image: every file with its place relative to the destination, decided before
/// anything is written, so that the step's key can be made of it.
struct CopyPlan {
    /// One thing to be copied.
    struct Item {
        /// The path below the destination; empty for the destination itself.
        var target: [UInt8]
        /// What it is.
        var node: CopyNode
        /// Where its bytes come from.
        var content: Content
    }

    /// Where a file's bytes come from.
    enum Content {
        case none
        case source(any CopySource, path: [UInt8])
        case bytes([UInt8])
        case scratch(ScratchFile, offset: Int64, size: Int64)
        case blob(FilePath)

        /// Whether it stands in the Dockerfile.
        var isText: Bool { if case .bytes = self { true } else { false } }
    }

    /// What one source argument gave.
    struct Piece {
        /// Its last component: the name it has when it goes into an existing directory.
        var name: [UInt8]
        /// Whether it is a directory, whose content is copied.
        var isDirectory: Bool
        /// Itself, and what is below it.
        var items: [Item]
        /// Whether it comes from an address.
        var isRemote = false
        /// What `ADD` unpacks in its place.
        var archive: AddedArchive?
    }

    var pieces: [Piece] = []

    /// Adds a file that is known already.
    mutating func add(name: String, content: Content, size: Int64, mode: UInt32) {
        let node = CopyNode(kind: .file(size: size), mode: mode, mtime: .max)
        pieces.append(
            Piece(name: Array(name.utf8), isDirectory: false, items: [Item(target: [], node: node, content: content)]))
    }

    /// Keeps the place of what comes from an address: its name says what it is, to the byte.
    mutating func addPlace(for remote: RemoteSource) {
        var piece = Piece(name: Array(remote.name.utf8), isDirectory: false, items: [])
        piece.isRemote = true
        pieces.append(piece)
    }

    /// Adds what a path of a source names: a file, or all that a directory holds.
    mutating func add(_ path: [UInt8], of source: any CopySource, name: [UInt8], excluding rules: IgnoreRules) throws {
        let (real, node) = try source.resolve(path)
        guard let node else { return }
        var walk = CopyWalk(source: source, excluded: rules)
        try walk.walk(real, node, target: [])
        pieces.append(Piece(name: name, isDirectory: node.isDirectory, items: walk.items))
    }

    /// Adds what of a directory matches a pattern, under its path from there: `COPY --parents`.
    ///
    /// - Returns: whether anything matched.
    mutating func add(
        matching pattern: String, below path: [UInt8], of source: any CopySource, excluding rules: IgnoreRules
    ) throws -> Bool {
        let (real, node) = try source.resolve(path)
        guard let node, node.isDirectory else { return false }
        var walk = CopyWalk(source: source, excluded: rules, included: try IgnoreRules(patterns: [pattern]))
        walk.leadingNames = pattern.split(separator: "/").filter { $0 != "." }
            .map { PathPattern(String($0))?.literal }.prefix { $0 != nil }.compactMap { $0 }.map { Array($0.utf8) }
        try walk.walk(real, node, target: [])
        // The directory itself is not copied, only what lies in it.
        let items = walk.items.filter { !$0.target.isEmpty }
        pieces.append(Piece(name: [], isDirectory: true, items: items))
        return !items.isEmpty
    }

    /// The digest of everything that would be copied: names, kinds, modes, owners and bytes.
    func digest() throws -> Digest {
        var hasher = SHA256Hasher()
        for piece in pieces {
            hasher.update(Array("piece \(piece.isDirectory) ".utf8) + piece.name + [0])
            for item in piece.items {
                hasher.update(item.target + [0])
                let node = item.node
                hasher.update(Array("\(node.mode) \(node.uid) \(node.gid) \(node.mtime) ".utf8))
                for (name, value) in node.xattrs.sorted(by: { $0.key < $1.key }) {
                    hasher.update(Array("\(name) \(value.count) ".utf8) + value)
                }
                switch node.kind {
                case .directory: hasher.update(Array("d".utf8))
                case .symlink(let target): hasher.update(Array("l".utf8) + target + [0])
                case .special: hasher.update(Array("s".utf8))
                case .file(let size):
                    hasher.update(Array("f\(size) ".utf8))
                    var content = SHA256Hasher()
                    try Self.read(item.content) { content.update($0) }
                    hasher.update(content.finish().bytes)
                }
            }
        }
        return hasher.finish()
    }

    /// Hands out a file's bytes.
    static func read(_ content: Content, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        switch content {
        case .none: break
        case .bytes(let bytes): try bytes.withUnsafeBytes { try body($0) }
        case .blob(let path): try forEachChunk(of: path, body)
        case .scratch(let file, let offset, let size): try file.read(from: offset, count: size, body)
        case .source(let source, let path): try source.read(path, body)
        }
    }
}
