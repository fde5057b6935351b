import IbidCrypto
import IbidLayer
import IbidModel

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
    }

    /// What one source argument gave.
    struct Piece {
        /// Its last component: the name it has when it goes into an existing directory.
        var name: [UInt8]
        /// Whether it is a directory, whose content is copied.
        var isDirectory: Bool
        /// Itself, and what is below it.
        var items: [Item]
    }

    private(set) var pieces: [Piece] = []

    /// Adds a file whose content stands in the Dockerfile.
    mutating func add(name: String, content: [UInt8]) {
        let node = CopyNode(kind: .file(size: Int64(content.count)), mode: 0o644, mtime: .max)
        pieces.append(
            Piece(
                name: Array(name.utf8), isDirectory: false,
                items: [Item(target: [], node: node, content: .bytes(content))]))
    }

    /// Adds what a path of a source names: a file, or all that a directory holds.
    mutating func add(_ path: [UInt8], of source: any CopySource, name: [UInt8], excluding rules: IgnoreRules) throws {
        let (real, node) = try source.resolve(path)
        guard let node else { return }
        var items: [Item] = []
        try walk(real, node, target: [], source: source, excluding: rules, into: &items)
        pieces.append(Piece(name: name, isDirectory: node.isDirectory, items: items))
    }

    private func walk(
        _ path: [UInt8], _ node: CopyNode, target: [UInt8], source: any CopySource, excluding rules: IgnoreRules,
        into items: inout [Item]
    ) throws {
        if case .special = node.kind { return }
        if !target.isEmpty, rules.excludes(String(decoding: target, as: UTF8.self)) { return }
        var content = Content.none
        if case .file = node.kind { content = .source(source, path: path) }
        items.append(Item(target: target, node: node, content: content))
        guard node.isDirectory else { return }
        for name in try source.names(in: path) {
            guard let child = try source.node(path.child(name)) else { continue }
            try walk(
                path.child(name), child, target: target.child(name), source: source, excluding: rules, into: &items)
        }
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
        case .source(let source, let path): try source.read(path, body)
        }
    }
}
