import IbidCrypto
import IbidModel

/// Computes the tree that `git add --all` and `git write-tree` would make, without writing to any repository.
struct WorkingTree {
    private final class Node {
        var directories: [[UInt8]: Node] = [:]
        var leaves: [[UInt8]: (mode: String, id: GitObjectID)] = [:]
    }

    private let root = Node()

    func addFile(_ path: [UInt8], executable: Bool, id: GitObjectID) { add(path, executable ? "100755" : "100644", id) }
    func addSymlink(_ path: [UInt8], id: GitObjectID) { add(path, "120000", id) }
    func addSubmodule(_ path: [UInt8], commit: GitObjectID) { add(path, "160000", commit) }

    private func add(_ path: [UInt8], _ mode: String, _ id: GitObjectID) {
        var node = root
        let names = path.split(separator: UInt8(ascii: "/")).map(Array.init)
        for name in names.dropLast() {
            let child = node.directories[name] ?? Node()
            node.directories[name] = child
            node = child
        }
        if let last = names.last { node.leaves[last] = (mode, id) }
    }

    /// The id of the whole tree; each tree object goes into the proof.
    func finish(into proof: inout ProofObjects) -> GitObjectID { Self.finish(root, &proof) }

    private static func finish(_ node: Node, _ proof: inout ProofObjects) -> GitObjectID {
        var entries = node.leaves.map { (name: $0.key, mode: $0.value.mode, id: $0.value.id, key: $0.key) }
        for (name, child) in node.directories {
            // git sorts a directory as if its name ended in a slash.
            entries.append((name, "40000", finish(child, &proof), name + [UInt8(ascii: "/")]))
        }
        var content: [UInt8] = []
        for entry in entries.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            content +=
                Array(entry.mode.utf8) + [UInt8(ascii: " ")] + entry.name + [0] + (Hex.decode(entry.id.hex) ?? [])
        }
        let id = gitObjectID(.tree, content)
        proof.add(id, kind: .tree, content: content)
        return id
    }
}

/// The id that git gives an object.
func gitObjectID(_ kind: ObjectDatabase.Kind, _ content: [UInt8]) -> GitObjectID {
    var hasher = GitObjectHasher(kind, size: Int64(content.count))
    content.withUnsafeBytes { hasher.update($0) }
    return hasher.finish()
}

/// The id that git gives an object whose content comes piece by piece.
struct GitObjectHasher: ~Copyable {
    private var hasher = SHA1Hasher()

    init(_ kind: ObjectDatabase.Kind, size: Int64) { hasher.update(Array("\(kind.rawValue) \(size)\0".utf8)) }

    mutating func update(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }

    consuming func finish() -> GitObjectID {
        guard let id = GitObjectID(raw: hasher.finish()) else { preconditionFailure("a SHA-1 has 20 bytes") }
        return id
    }
}
