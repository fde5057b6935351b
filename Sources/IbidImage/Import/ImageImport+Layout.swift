import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

extension ImageImport {
    /// An image as its blobs lie in a directory, each under the 64 digits of its digest.
    struct Blobs {
        let directory: FilePath

        func path(_ digest: Digest) -> FilePath { directory.appending(digest.hex) }
    }

    /// The kinds of documents and layers that this version reads; Docker's own kinds say the same in other words.
    private enum Kind {
        static let manifests = [OCI.MediaType.manifest, "application/vnd.docker.distribution.manifest.v2+json"]
        static let indexes = [OCI.MediaType.index, "application/vnd.docker.distribution.manifest.list.v2+json"]
        static let configurations = [OCI.MediaType.config, "application/vnd.docker.container.image.v1+json"]
        static let layers = [
            OCI.MediaType.layer, OCI.MediaType.layerGzip, OCI.MediaType.layerZstd,
            "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
            "application/vnd.docker.image.rootfs.diff.tar.zstd",
        ]

        static func isForeign(_ type: String) -> Bool {
            type.contains("nondistributable") || type.contains("rootfs.foreign")
        }
    }

    /// What tells a manifest from an index.
    private struct Shape: Decodable {
        var schemaVersion: Int
        var mediaType: String?
        var isManifest: Bool
        var isIndex: Bool

        enum CodingKeys: String, CodingKey { case schemaVersion, mediaType, config, layers, manifests }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            schemaVersion = try container.decode(Int.self, forKey: .schemaVersion)
            mediaType = try container.decodeIfPresent(String.self, forKey: .mediaType)
            isManifest = container.contains(.config) || container.contains(.layers)
            isIndex = container.contains(.manifests)
        }
    }

    // MARK: sources

    /// An image of an OCI image layout.
    func layout(_ directory: FilePath, ref: String?) throws -> OCI.Descriptor {
        let indexFile = directory.appending("index.json")
        guard ImportFile.exists(indexFile) else {
            throw IbidError.badImage(source, "it is no OCI image layout: index.json is missing")
        }
        let bytes = try ImportFile(indexFile, source: source).read(limit: limits.manifestBytes, what: "index.json")
        let index = try decode(OCI.Index.self, bytes, "index.json")
        let named = index.manifests.filter {
            ref == nil || $0.annotations?["org.opencontainers.image.ref.name"] == ref || "\($0.digest)" == ref
        }
        guard let chosen = named.first, named.count == 1 || ref != nil else {
            let names = index.manifests.compactMap { $0.annotations?["org.opencontainers.image.ref.name"] }
            throw IbidError.badImage(
                source,
                (named.isEmpty ? "it has no such image" : "it has more than one image")
                    + "; its images are \(names.prefix(20).joined(separator: ", "))")
        }
        let blobs = Blobs(directory: directory.appending("blobs/sha256"))
        return try image(document: try document(chosen, in: blobs, limit: limits.manifestBytes, "manifest"), blobs)
    }

    /// What `skopeo copy … dir:` leaves: `manifest.json` and blobs named by their digits.
    func transportDirectory(_ directory: FilePath) throws -> OCI.Descriptor {
        let file = try ImportFile(directory.appending("manifest.json"), source: source)
        return try image(
            document: try file.read(limit: limits.manifestBytes, what: "manifest"), Blobs(directory: directory))
    }

    // MARK: documents

    /// The image of a manifest, or of this machine's manifest in an index.
    private func image(document: [UInt8], _ blobs: Blobs) throws -> OCI.Descriptor {
        var document = document
        for _ in 0..<5 {
            guard try isIndex(document) else {
                let manifest = try decode(OCI.Manifest.self, document, "manifest")
                return try image(manifest, bytes: document, blobs)
            }
            document = try self.document(
                try ownManifest(inIndex: document), in: blobs, limit: limits.manifestBytes, "manifest")
        }
        throw IbidError.badImage(source, "its indexes are nested too deeply")
    }

    /// Whether a document is an index; anything that is neither index nor manifest of an image is refused.
    func isIndex(_ document: [UInt8]) throws -> Bool {
        let shape = try decode(Shape.self, document, "manifest")
        guard shape.schemaVersion == 2 else {
            throw IbidError.badImage(
                source,
                "its manifest is of schema \(shape.schemaVersion), which carries no digests of layers; "
                    + "push it again with a newer docker")
        }
        // One document that is both would be two images (CVE-2021-41190).
        guard shape.isManifest != shape.isIndex else {
            throw IbidError.badImage(source, "its manifest is \(shape.isIndex ? "two things at once" : "no image's")")
        }
        if let type = shape.mediaType, !(shape.isIndex ? Kind.indexes : Kind.manifests).contains(type) {
            throw IbidError.badImage(source, "its manifest is of the kind '\(type)', which is no image's")
        }
        return shape.isIndex
    }

    /// The manifest of this machine's platform.
    func ownManifest(inIndex bytes: [UInt8]) throws -> OCI.Descriptor {
        let index = try decode(OCI.Index.self, bytes, "index")
        let architecture = BaseCatalog.architecture
        let own = index.manifests.filter { $0.platform?.os == "linux" && $0.platform?.architecture == architecture }
        // arm64 has one variant that everybody builds, with or without saying so.
        let usual = own.first { [nil, "", "v8", "v1"].contains($0.platform?.variant) } ?? own.first
        guard let found = usual ?? (index.manifests.count == 1 ? index.manifests.first : nil) else {
            let platforms = index.manifests.compactMap(\.platform).map { "\($0.os)/\($0.architecture)" }
            throw IbidError.badImage(
                source,
                "it has no image for linux/\(architecture), only for "
                    + Set(platforms).sorted().prefix(20).joined(separator: ", "))
        }
        return found
    }

    private func image(_ manifest: OCI.Manifest, bytes: [UInt8], _ blobs: Blobs) throws -> OCI.Descriptor {
        guard Kind.configurations.contains(manifest.config.mediaType) else {
            throw IbidError.badImage(
                source, "it is no image of a file system but an artifact of the kind '\(manifest.config.mediaType)'")
        }
        for (index, layer) in manifest.layers.enumerated() {
            guard Kind.layers.contains(layer.mediaType) || Kind.isForeign(layer.mediaType) else {
                throw IbidError.badImage(source, "layer \(index + 1) is of the unknown kind '\(layer.mediaType)'")
            }
        }
        let configuration = try document(
            manifest.config, in: blobs, limit: limits.configurationBytes, "configuration")
        let made = try image(configuration: configuration, layerCount: manifest.layers.count) { index in
            let layer = manifest.layers[index]
            let path = blobs.path(layer.digest)
            guard ImportFile.exists(path) else {
                throw IbidError.badImage(
                    source,
                    Kind.isForeign(layer.mediaType)
                        ? "layer \(index + 1) is kept elsewhere ('\(layer.mediaType)'): get it with its layers"
                        : "it lacks the layer \(layer.digest)")
            }
            let file = try ImportFile(path, source: source)
            try file.check(layer, what: "layer \(index + 1)")
            return file
        }
        guard isPlain(manifest) else { return made }
        // Already as Ibid would have it: it keeps its digest, whatever the order of its keys.
        return OCI.Descriptor(
            mediaType: OCI.MediaType.manifest, digest: try store.put(bytes), size: Int64(bytes.count))
    }

    private func isPlain(_ manifest: OCI.Manifest) -> Bool {
        manifest.mediaType == OCI.MediaType.manifest && manifest.config.mediaType == OCI.MediaType.config
            && manifest.layers.allSatisfy { $0.mediaType == OCI.MediaType.layer }
    }

    /// A document by its descriptor: its length and its bytes have to be what that says.
    private func document(
        _ descriptor: OCI.Descriptor, in blobs: Blobs, limit: Int64, _ what: String
    ) throws -> [UInt8] {
        let path = blobs.path(descriptor.digest)
        guard ImportFile.exists(path) else {
            throw IbidError.badImage(source, "it lacks the \(what) \(descriptor.digest)")
        }
        let file = try ImportFile(path, source: source)
        let bytes = try file.read(limit: limit, what: what)
        try file.check(descriptor, what: what)
        return bytes
    }
}
