import IbidCrypto
import IbidLayer
public import IbidModel
public import IbidStore

/// The layer that a snapshot makes, and reading from it.
///
/// A pax archive of the job's directory: members in the order of their paths' bytes (so a parent comes before its
/// children), modes 0755 and 0644, symbolic links 0777, owner and group 0, one time. Nothing of the commit but its
/// tree, and nothing of the machine, enters.
public enum SourceLayer {
    /// The time of every member, 1980-01-02T00:00:00Z: git keeps no times, and zip archives (wheels) know none before
    /// 1980 in any time zone.
    public static let fileTime = Timestamp(seconds: 315_619_200)

    /// One file of a snapshot's layer; nil when the layer has no regular file of that path.
    ///
    /// - Throws: `missing-blob`, or an error when the layer is malformed. The bytes are those of the store's file:
    ///   verify the blob first when it may have been altered.
    public static func file(_ path: String, in layer: Digest, of store: Store) throws -> [UInt8]? {
        guard store.contains(layer) else { throw IbidError.missingBlob(layer) }
        let reader = try TarReader(file: store.path(of: layer))
        let wanted = Array(path.utf8)
        while let entry = try reader.next() {
            if wanted.lexicographicallyPrecedes(entry.path) { return nil }
            guard entry.path == wanted, case .file = entry.kind else { continue }
            var bytes: [UInt8] = []
            try reader.readContent { bytes.append(contentsOf: $0) }
            return bytes
        }
        return nil
    }
}

/// Writes the members of a snapshot's layer.
struct SourceLayerWriter: ~Copyable {
    private let writer: BlobWriter
    private var tar: TarWriter

    init(store: Store) throws {
        let writer = try store.writer()
        self.writer = writer
        tar = TarWriter { try writer.write($0) }
    }

    mutating func directory(_ path: [UInt8]) throws { try add(path, .directory, mode: 0o755) }

    mutating func symlink(_ path: [UInt8], target: [UInt8]) throws {
        guard !target.isEmpty, !target.contains(0), target.count < 4_096 else {
            throw IbidError.refusedPath(path, "is a symbolic link whose target cannot exist")
        }
        try add(path, .symlink(target), mode: 0o777)
    }

    mutating func file(_ path: [UInt8], executable: Bool, content: UnsafeRawBufferPointer) throws {
        try startFile(path, executable: executable, size: Int64(content.count))
        if !content.isEmpty { try tar.content(content) }
    }

    /// A file whose content follows through `content`.
    mutating func startFile(_ path: [UInt8], executable: Bool, size: Int64) throws {
        try add(path, .file(size: size), mode: executable ? 0o755 : 0o644)
    }

    mutating func content(_ bytes: UnsafeRawBufferPointer) throws { try tar.content(bytes) }

    consuming func finish() throws -> (digest: Digest, size: Int64) {
        try tar.finish()
        return try writer.finish()
    }

    private mutating func add(_ path: [UInt8], _ kind: TarEntry.Kind, mode: UInt32) throws {
        try tar.add(TarEntry(path: path, kind: kind, mode: mode, mtime: SourceLayer.fileTime.seconds))
    }
}
