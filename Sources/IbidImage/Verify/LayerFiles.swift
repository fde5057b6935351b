import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// The entries of a layer, and the bytes of some of them.
struct LayerFiles {
    /// An entry as the archive has it; of a file's content the digest.
    struct Entry: Hashable {
        var entry: TarEntry
        var content: Digest?
    }

    /// Files longer than this are told apart and not looked into.
    private static let longest: Int64 = 4 << 20

    let entries: [[UInt8]: Entry]
    private let path: FilePath?

    /// - Parameter layer: nil for the layer of a step that changed nothing.
    init(_ layer: OCI.Descriptor?, in store: Store) throws {
        path = layer.map { store.path(of: $0.digest) }
        guard let path else {
            entries = [:]
            return
        }
        var found: [[UInt8]: Entry] = [:]
        let reader = try TarReader(file: path)
        while let entry = try reader.next() {
            var known = Entry(entry: entry, content: nil)
            if case .file = entry.kind {
                var hasher = SHA256Hasher()
                try reader.readContent { hasher.update($0) }
                known.content = hasher.finish()
            }
            found[entry.path] = known
        }
        entries = found
    }

    /// The bytes of files, by path; a file that is too long is left out.
    func contents(of wanted: Set<[UInt8]>) throws -> [[UInt8]: [UInt8]] {
        guard let path, !wanted.isEmpty else { return [:] }
        var contents: [[UInt8]: [UInt8]] = [:]
        let reader = try TarReader(file: path)
        while let entry = try reader.next() {
            guard wanted.contains(entry.path), case .file(let size) = entry.kind, size <= Self.longest else { continue }
            var bytes: [UInt8] = []
            try reader.readContent { bytes += $0 }
            contents[entry.path] = bytes
        }
        return contents
    }
}
