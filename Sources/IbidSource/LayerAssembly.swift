import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// Writes the layer of a snapshot from its entries: blobs read ahead from git, LFS objects, files of a working state.
struct LayerAssembly {
    let walk: TreeWalk
    let store: Store
    /// Files to be read from the working tree; nil for a commit.
    let working: WorkingFiles?

    /// Writes the layer. Objects that a proof needs beside the trees go into `proof`.
    func write(proof: inout ProofObjects) throws -> (digest: Digest, size: Int64) {
        let blobs = try walk.entries.enumerated().compactMap { try request($0, $1) }
        func isLarge(_ blob: BlobRequest) -> Bool {
            if case .file = walk.entries[blob.entry].kind { LargeBlob.isOne(blob.size) } else { false }
        }
        let requests = blobs.filter { !isLarge($0) }
        let large = Dictionary(uniqueKeysWithValues: blobs.filter(isLarge).map { ($0.entry, $0.size) })
        let objects = walk.parts.map(\.repository.objects.directory)
        var layer = try SourceLayerWriter(store: store)
        try BlobReaders.read(requests, objects: objects) { next in
            for (index, entry) in walk.entries.enumerated() {
                switch entry.kind {
                case .directory: try layer.directory(entry.path)
                case .symlink:
                    guard entry.blob != nil else {
                        try working?.symlink(entry, into: &layer)
                        continue
                    }
                    try layer.symlink(entry.path, target: try content(of: entry, next).bytes)
                case .file(let executable):
                    guard entry.blob != nil else {
                        try working?.file(entry, executable, part: walk.parts[entry.part], into: &layer, &proof)
                        continue
                    }
                    if let size = large[index] {
                        try self.large(entry, executable, size: size, &layer)
                        continue
                    }
                    let content = try content(of: entry, next)
                    try file(entry, executable, content, &layer, &proof)
                }
            }
        }
        return try layer.finish()
    }

    private func request(_ index: Int, _ entry: SourceEntry) throws -> BlobRequest? {
        guard let blob = entry.blob else { return nil }
        do {
            let size = try walk.parts[entry.part].repository.objects.size(of: blob)
            return BlobRequest(database: entry.part, id: blob, size: size, entry: index)
        } catch {
            throw unreadable(entry, blob, error)
        }
    }

    private func large(
        _ entry: SourceEntry, _ executable: Bool, size: Int, _ layer: inout SourceLayerWriter
    ) throws {
        guard let id = entry.blob else { return }
        try layer.startFile(entry.path, executable: executable, size: Int64(size))
        do {
            let blob = LargeBlob(id: id, size: size, objects: walk.parts[entry.part].repository.objects.directory)
            try blob.forEachChunk { try layer.content($0) }
        } catch let failure as GitFailure {
            throw unreadable(entry, id, failure)
        }
    }

    private func content(of entry: SourceEntry, _ next: () throws -> ObjectContent) throws -> ObjectContent {
        do {
            let content = try next()
            guard content.kind == .blob else { throw IbidError.refusedPath(entry.path, "is not a blob in git") }
            return content
        } catch let error as BlobFailure {
            throw unreadable(walk.entries[error.request.entry], error.request.id, error.failure)
        }
    }

    private func unreadable(_ entry: SourceEntry, _ blob: GitObjectID, _ failure: GitFailure) -> IbidError {
        let part = walk.parts[entry.part]
        return .unreadableObject(blob, path: part.pathInRepository(entry.path), part.repository, failure)
    }

    private func file(
        _ entry: SourceEntry, _ executable: Bool, _ content: ObjectContent, _ layer: inout SourceLayerWriter,
        _ proof: inout ProofObjects
    ) throws {
        let part = walk.parts[entry.part]
        let path = part.pathInRepository(entry.path)
        guard let pointer = content.withBytes({ LFSPointer($0) }),
            part.repository.filter(for: path, at: part.commit) == "lfs", let blob = entry.blob
        else {
            return try content.withBytes { try layer.file(entry.path, executable: executable, content: $0) }
        }
        proof.add(blob, kind: .blob, content: content.bytes)
        try writeLFS(pointer, of: entry, executable, part.repository, &layer)
    }
}

/// Writes the content of an LFS object, checking it against its pointer as it goes.
func writeLFS(
    _ pointer: LFSPointer, of entry: SourceEntry, _ executable: Bool, _ repository: GitRepository,
    _ layer: inout SourceLayerWriter
) throws {
    let path = repository.lfsObject(pointer.digest)
    guard fileSize(path) != nil else { throw IbidError.lfsObjectMissing(entry.path, pointer.digest) }
    let file = try OpenFile(path)
    guard file.size == pointer.size else { throw IbidError.lfsObjectDamaged(entry.path, at: path) }
    try layer.startFile(entry.path, executable: executable, size: pointer.size)
    var hasher = SHA256Hasher()
    var left = pointer.size
    try file.forEachChunk { bytes in
        left -= Int64(bytes.count)
        guard left >= 0 else { throw IbidError.lfsObjectDamaged(entry.path, at: path) }
        hasher.update(bytes)
        try layer.content(bytes)
    }
    guard left == 0, hasher.finish() == pointer.digest else {
        throw IbidError.lfsObjectDamaged(entry.path, at: path)
    }
}

/// The SHA-256 digest of a file.
func sha256(of path: FilePath) throws -> Digest {
    var hasher = SHA256Hasher()
    let file = try OpenFile(path)
    try file.forEachChunk { hasher.update($0) }
    return hasher.finish()
}
