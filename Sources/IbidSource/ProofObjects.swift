import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore

/// The git objects from which anyone can recompute that a layer is the tree of a commit.
///
/// They are kept as git hashes them, with the header `<kind> <length>\0` in front: `sha1sum objects/<id>` prints the
/// id, without git.
struct ProofObjects {
    private var objects: [String: [UInt8]] = [:]

    /// Keeps an object's content.
    mutating func add(_ id: GitObjectID, kind: ObjectDatabase.Kind, content: [UInt8]) {
        objects[id.hex] = Array("\(kind.rawValue) \(content.count)\0".utf8) + content
    }

    /// Writes them as a layer, `objects/<id>` in order.
    func store(in store: Store) throws -> Digest {
        let writer = try store.writer()
        var tar = TarWriter { try writer.write($0) }
        try tar.add(
            TarEntry(path: Array("objects".utf8), kind: .directory, mode: 0o755, mtime: SourceLayer.fileTime.seconds))
        for (id, bytes) in objects.sorted(by: { $0.key < $1.key }) {
            let kind = TarEntry.Kind.file(size: Int64(bytes.count))
            try tar.add(
                TarEntry(
                    path: Array("objects/\(id)".utf8), kind: kind, mode: 0o644, mtime: SourceLayer.fileTime.seconds))
            try tar.content(bytes)
        }
        try tar.finish()
        return try writer.finish().digest
    }
}
