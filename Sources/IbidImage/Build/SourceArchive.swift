import IbidLayer
public import IbidModel
public import IbidStore

/// The files of a source snapshot, read from its archive: nothing is unpacked.
public enum SourceArchive {
    /// A file's bytes; nil when nothing has that path. Symbolic links are followed as if the snapshot were a root.
    ///
    /// The archive's digest is not checked: whoever builds from it does that.
    ///
    /// - Parameters:
    ///   - path: relative to the snapshot's root.
    ///   - limit: the largest size, in bytes, that is read.
    /// - Throws: `missing-blob`, `not-a-file` for a directory, `file-too-large`.
    public static func file(
        _ path: String, of layer: Digest, in store: Store, limit: Int
    ) throws -> [UInt8]? {
        guard store.contains(layer) else { throw IbidError.missingBlob(layer) }
        let name = Array(path.utf8)
        let reader = try TarReader(file: store.path(of: layer))
        while let entry = try reader.next() {
            guard entry.path == name else { continue }
            guard case .file(let size) = entry.kind else { return try throughLinks(path, of: layer, in: store, limit) }
            try check(size, path, limit)
            var bytes: [UInt8] = []
            try reader.readContent { bytes += $0 }
            return bytes
        }
        // A directory on the way may be a link.
        return name.parentPath.isEmpty ? nil : try throughLinks(path, of: layer, in: store, limit)
    }

    private static func throughLinks(
        _ path: String, of layer: Digest, in store: Store, _ limit: Int
    ) throws -> [UInt8]? {
        let tree = try SourceTree(archive: store.path(of: layer), asSource: true)
        do {
            let (real, node) = try tree.resolve(Array(path.utf8))
            guard let node else { return nil }
            guard case .file(let size) = node.kind else { throw IbidError("not-a-file", "\(path) is not a file") }
            try check(size, path, limit)
            var bytes: [UInt8] = []
            try tree.read(real) { bytes += $0 }
            return bytes
        } catch PathProblem.tooManyLinks {
            throw IbidError("not-a-file", "\(path) has too many symbolic links")
        }
    }

    private static func check(_ size: Int64, _ path: String, _ limit: Int) throws {
        guard size <= Int64(limit) else {
            throw IbidError("file-too-large", "\(path) is larger than \(limit) bytes")
        }
    }
}
