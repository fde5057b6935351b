import IbidImage
public import IbidModel
import IbidStore
import SystemPackage

/// One named image of the store.
public struct ImageSummary: Hashable, Sendable {
    /// The name.
    public var ref: String
    /// The manifest digest.
    public var digest: Digest
    /// The sum of the layers' lengths.
    public var sizeBytes: Int64
    /// How many layers there are.
    public var layers: Int
    /// The configuration's date.
    public var created: String?
}

/// An image as its documents tell it.
public struct ImageDetails: Hashable, Sendable {
    /// The manifest digest.
    public var digest: Digest
    /// The names it has.
    public var refs: [String]
    /// The manifest.
    public var manifest: JSONValue
    /// The configuration.
    public var config: JSONValue
}

/// A name that FROM can use.
public struct BaseSummary: Hashable, Sendable {
    /// The name.
    public var name: String
    /// `built-in`, `added` or `pulled`.
    public var origin: String
    /// What it was called in a registry when it was pulled, `HOST/REPO@sha256:…`.
    public var pulledFrom: String?
    /// The image; nil for a built-in base that nothing has used yet.
    public var digest: Digest?
}

extension Engine {
    /// Every named image, by name.
    public func images() throws -> [ImageSummary] {
        try store.references().map { ref, descriptor in
            let manifest = try store.manifest(descriptor.digest)
            return ImageSummary(
                ref: ref, digest: descriptor.digest, sizeBytes: manifest.layers.reduce(0) { $0 + $1.size },
                layers: manifest.layers.count, created: try store.imageConfig(manifest).created)
        }
    }

    /// One image by name, digest, or the first digits of a digest that belong to one image alone.
    ///
    /// - Throws: `image-not-found` or `image-ambiguous`.
    public func inspectImage(_ text: String) throws -> ImageDetails {
        let references = try store.references()
        let prefix = text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text
        var candidates = Set(references.filter { $0.ref == text }.map(\.descriptor.digest))
        if candidates.isEmpty, let digest = Digest(text), store.contains(digest) { candidates = [digest] }
        if candidates.isEmpty, prefix.utf8.count >= 4 {
            candidates = Set(references.map(\.descriptor.digest).filter { $0.hex.hasPrefix(prefix) })
        }
        guard let digest = candidates.first else {
            throw IbidError.imageNotFound(text)
        }
        guard candidates.count == 1 else {
            throw IbidError("image-ambiguous", "'\(text)' is the start of several images", hint: "give more digits")
        }
        let manifest = try CanonicalJSON.parse(try store.read(digest))
        guard let config = manifest["config"]?["digest"]?.string.flatMap({ Digest($0) }) else {
            throw IbidError("not-an-image", "\(digest) is not an image manifest")
        }
        return ImageDetails(
            digest: digest, refs: references.filter { $0.descriptor.digest == digest }.map(\.ref), manifest: manifest,
            config: try CanonicalJSON.parse(try store.read(config)))
    }
}
