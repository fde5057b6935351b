import IbidCrypto
public import IbidModel
import IbidStore
import SystemPackage

extension BaseCatalog {
    /// The annotation of the store's index that says what a registry's name stood for when it was pulled,
    /// `HOST/REPO@sha256:…`: the digest is the registry's own, of a manifest over packed layers or of an index.
    static let originAnnotation = "dev.ibid.origin"

    /// Whether an error says that a name after `FROM` leads nowhere, so that its line matters.
    static func isAboutName(_ error: IbidError) -> Bool {
        error.code.hasPrefix("registry-") || ["image-not-found", "bad-reference"].contains(error.code)
    }

    /// Takes an image from a registry into the store.
    ///
    /// The name is resolved to a digest first; what comes later is asked for by digest. Layers that the store has
    /// are not fetched.
    ///
    /// - Parameter name: the name it gets in the store; nil for its own.
    /// - Throws: `registry-…` with what to do; `bad-image` for what is no image for this machine.
    public func pull(
        _ reference: ImageReference, as name: String? = nil, isCancelled: @escaping () -> Bool = { false },
        progress: @escaping (String) -> Void = { _ in }
    ) throws -> Base {
        let skopeo = Skopeo(access: registry, isCancelled: isCancelled, progress: progress)
        let importer = ImageImport(
            store: store, source: reference.familiar, isCancelled: isCancelled, progress: progress)
        progress("asking \(reference.registry) for \(reference.familiar)")
        let document = try skopeo.manifest(reference)
        let digest = try store.put(document)
        var pinned = reference.pinned(to: digest)
        let origin = "\(pinned)"
        var depth = 0
        var manifest = document
        while try importer.isIndex(manifest) {
            guard depth < 5 else { throw IbidError.badImage(reference.familiar, "its indexes are nested too deeply") }
            depth += 1
            pinned = reference.pinned(to: try importer.ownManifest(inIndex: manifest).digest)
            manifest = try skopeo.manifest(pinned)
        }
        let made = try known(manifest, importer, skopeo, pinned) ?? fetched(pinned, importer, skopeo)
        var named = made
        named.annotations = [Self.addedAnnotation: "pulled", Self.originAnnotation: origin]
        let ref = name ?? reference.familiar
        try store.tag(named, as: ref)
        return Base(ref: ref, manifest: made, lock: nil, origin: origin)
    }

    /// The image of a manifest whose layers are all in the store; nil when one is missing.
    private func known(
        _ bytes: [UInt8], _ importer: ImageImport, _ skopeo: Skopeo, _ reference: ImageReference
    ) throws -> OCI.Descriptor? {
        let manifest = try importer.decode(OCI.Manifest.self, bytes, "manifest")
        let configuration =
            store.contains(manifest.config.digest)
            ? try store.read(manifest.config.digest) : try skopeo.configuration(reference)
        guard Digest.sha256(of: configuration) == manifest.config.digest,
            try importer.diffIDs(configuration).allSatisfy({ store.contains($0) })
        else { return nil }
        return try withScratch { scratch in
            try write(bytes, to: scratch.appending("manifest.json"))
            try write(configuration, to: scratch.appending(manifest.config.digest.hex))
            return try importer.transportDirectory(scratch)
        }
    }

    private func fetched(
        _ reference: ImageReference, _ importer: ImageImport, _ skopeo: Skopeo
    ) throws -> OCI.Descriptor {
        try withScratch { scratch in
            try skopeo.copy(reference, to: scratch)
            return try importer.transportDirectory(scratch)
        }
    }

    private func write(_ bytes: [UInt8], to path: FilePath) throws {
        try writeAtomically(bytes, to: path, durable: false)
    }

    /// Sends an image of the store to a registry, byte for byte: it has the same digest there.
    ///
    /// - Returns: the digest that the registry knows it by.
    /// - Throws: `registry-…`.
    public func push(
        _ image: OCI.Descriptor, to reference: ImageReference, isCancelled: @escaping () -> Bool = { false },
        progress: @escaping (String) -> Void = { _ in }
    ) throws -> Digest {
        guard reference.digest == nil else {
            throw IbidError.badReference("\(reference)", "an image is pushed to a tag; its digest is its own")
        }
        let manifest = try store.manifest(image.digest)
        for blob in [manifest.config.digest] + manifest.layers.map(\.digest) where !store.contains(blob) {
            throw IbidError.missingBlob(blob)
        }
        return try withScratch { scratch in
            try write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: scratch.appending("oci-layout"))
            var named = image
            named.annotations = ["org.opencontainers.image.ref.name": "image"]
            try write(try CanonicalJSON.encode(OCI.Index(manifests: [named])), to: scratch.appending("index.json"))
            let skopeo = Skopeo(access: registry, isCancelled: isCancelled, progress: progress)
            let digest = try skopeo.push(scratch, blobs: store.root.appending("blobs"), to: reference)
            guard digest == image.digest else {
                throw IbidError.registry(reference, "it has the image as \(digest) and not as \(image.digest)")
            }
            return digest
        }
    }
}
