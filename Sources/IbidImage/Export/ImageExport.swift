import Glibc
import IbidCrypto
public import IbidModel
public import IbidStore
public import SystemPackage

/// Writes an image of the store where other programs take it up. The same image gives the same bytes: nothing of the
/// moment or the machine gets into a directory or an archive.
public struct ImageExport: Sendable {
    private let store: Store
    private let image: OCI.Descriptor
    private let ref: String

    /// - Parameter ref: the name that it has in what is written.
    public init(store: Store, image: OCI.Descriptor, ref: String) {
        self.store = store
        self.image = OCI.Descriptor(mediaType: image.mediaType, digest: image.digest, size: image.size)
        self.ref = ref
    }

    /// Writes it, all or nothing: the place has its name when it is complete.
    ///
    /// - Parameters:
    ///   - path: a file for an archive, a directory for a layout; a layout goes into an archive when the name ends
    ///     with `.tar`.
    /// - Returns: the digest of the manifest that was written.
    /// - Throws: `exists` when something is there already; `missing-blob` or `corrupt-blob`.
    public func write(_ format: ImageFormat, to path: FilePath) throws -> Digest {
        guard access(path.string, F_OK) != 0 else {
            throw IbidError("exists", "there is something at \(path)", hint: "remove it or give another name")
        }
        let partial = FilePath(path.string + ".partial")
        try removeTree(partial)
        do {
            let isArchive = format == .dockerArchive || path.string.hasSuffix(".tar")
            let place = try isArchive ? ExportPlace.archive(at: partial) : ExportPlace.directory(at: partial)
            let digest: Digest
            switch format {
            case .oci: digest = try layout(image, layers: try store.manifest(image.digest).layers, in: place)
            case .ociGzip: digest = try packedLayout(in: place, scratch: FilePath(path.string + ".layers"))
            case .dockerArchive: digest = try dockerArchive(in: place)
            }
            try place.finish()
            guard rename(partial.string, path.string) == 0 else {
                throw IbidError.system("create", path.string, lastError())
            }
            return digest
        } catch {
            // What went wrong matters more than what is left of it.
            try? removeTree(partial)
            throw error
        }
    }

    // MARK: OCI layout

    private func layout(_ image: OCI.Descriptor, layers: [OCI.Descriptor], in place: ExportPlace) throws -> Digest {
        let manifest = try store.manifest(image.digest)
        try place.add("blobs/sha256/\(image.digest.hex)", try store.read(image.digest))
        for blob in [manifest.config] + layers {
            try store.verify(blob.digest)
            try place.add("blobs/sha256/\(blob.digest.hex)", file: store.path(of: blob.digest))
        }
        try finishLayout(image, in: place)
        return image.digest
    }

    private func finishLayout(_ image: OCI.Descriptor, in place: ExportPlace) throws {
        var named = image
        named.annotations = ["org.opencontainers.image.ref.name": ref]
        try place.add("index.json", try CanonicalJSON.encode(OCI.Index(manifests: [named])))
        try place.add("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
    }

    private func packedLayout(in place: ExportPlace, scratch: FilePath) throws -> Digest {
        var manifest = try store.manifest(image.digest)
        let config = try store.read(manifest.config.digest)
        try place.add("blobs/sha256/\(manifest.config.digest.hex)", config)
        try makeDirectories(scratch, mode: 0o700)
        defer { try? removeTree(scratch) }  // the export itself is whole, or has failed for another reason
        for (index, layer) in manifest.layers.enumerated() {
            try store.verify(layer.digest)
            let packed = try pack(layer, into: scratch.appending("\(index)"))
            try place.add("blobs/sha256/\(packed.digest.hex)", file: scratch.appending("\(index)"))
            manifest.layers[index] = packed
        }
        let bytes = try CanonicalJSON.encode(manifest)
        let digest = Digest.sha256(of: bytes)
        try place.add("blobs/sha256/\(digest.hex)", bytes)
        try finishLayout(
            OCI.Descriptor(mediaType: OCI.MediaType.manifest, digest: digest, size: Int64(bytes.count)), in: place)
        return digest
    }

    // gzip's header has room for a name and a time: -n leaves both out.
    private func pack(_ layer: OCI.Descriptor, into file: FilePath) throws -> OCI.Descriptor {
        let source = try FileDescriptor.open(store.path(of: layer.digest), .readOnly, options: .closeOnExec)
        defer { try? source.close() }
        let target = try FileDescriptor.open(
            file, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        defer { try? target.close() }
        var process = try ChildProcess("gzip", package: "gzip", arguments: ["-n", "-6", "-c"])
        process.stdin = source.rawValue
        let result = try process.run { bytes in _ = try target.writeAll(bytes) }
        guard result.status == 0 else { throw IbidError.system("pack", "\(layer.digest)", result.reason) }
        var hasher = SHA256Hasher()
        var size: Int64 = 0
        try forEachChunk(of: file) { bytes in
            hasher.update(bytes)
            size += Int64(bytes.count)
        }
        return OCI.Descriptor(mediaType: OCI.MediaType.layerGzip, digest: hasher.finish(), size: size)
    }

    // MARK: docker save

    private func dockerArchive(in place: ExportPlace) throws -> Digest {
        let manifest = try store.manifest(image.digest)
        let config = "\(manifest.config.digest.hex).json"
        try place.add(config, try store.read(manifest.config.digest))
        var written: Set<Digest> = []
        for layer in manifest.layers where written.insert(layer.digest).inserted {
            try store.verify(layer.digest)
            try place.add("\(layer.digest.hex).tar", file: store.path(of: layer.digest))
        }
        // A name with a digest, or in no form of docker's, is no tag.
        let reference = try? ImageReference(parsing: ref)
        let tags = reference?.tag.map { _ in [reference?.familiar ?? ref] } ?? []
        let list: JSONValue = [
            [
                "Config": .string(config), "RepoTags": .array(tags.map { .string($0) }),
                "Layers": .array(manifest.layers.map { .string("\($0.digest.hex).tar") }),
            ]
        ]
        try place.add("manifest.json", CanonicalJSON.bytes(list))
        return image.digest
    }
}
