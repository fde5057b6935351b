import Glibc
import IbidImage
public import IbidModel
import IbidStore
public import SystemPackage

/// An image that was written to a file or a directory.
public struct ImageExportReport: Hashable, Sendable {
    /// The image in the store.
    public var image: Digest
    /// The name it has there.
    public var ref: String
    /// The file or directory.
    public var path: FilePath
    /// The form.
    public var format: ImageFormat
    /// The digest of the manifest that was written.
    public var digest: Digest
    /// How much was written, in bytes.
    public var sizeBytes: Int64
}

/// An image that came from a registry or went to one.
public struct ImageTransferReport: Hashable, Sendable {
    /// The image in the store.
    public var image: Digest
    /// The name it has there.
    public var ref: String
    /// The registry's name of it, with the digest it has there.
    public var remote: String
}

extension Engine {
    /// Writes an image for other programs.
    ///
    /// - Parameters:
    ///   - text: a name, a digest, or the start of one.
    ///   - path: where to; nil for a name made of the image's, in the working directory.
    public func exportImage(_ text: String, format: ImageFormat, to path: FilePath?) throws -> ImageExportReport {
        let (ref, descriptor) = try namedImage(text)
        let place = path ?? FilePath(Self.fileName(ref) + ".tar")
        let digest = try ImageExport(store: store, image: descriptor, ref: ref).write(format, to: place)
        return ImageExportReport(
            image: descriptor.digest, ref: ref, path: place, format: format, digest: digest,
            sizeBytes: try Self.size(of: place))
    }

    /// Sends an image to a registry, byte for byte.
    ///
    /// - Parameter destination: `docker://HOST/REPO:TAG`.
    public func pushImage(
        _ text: String, to destination: String, registry: RegistryAccess, events: @escaping EventSink
    ) throws -> ImageTransferReport {
        guard destination.hasPrefix("docker://") else {
            throw IbidError(
                "bad-destination", "'\(destination)' is no place to push to", hint: "write docker://HOST/REPO:TAG",
                exit: .usage)
        }
        let (ref, descriptor) = try namedImage(text)
        let reference = try ImageReference(parsing: String(destination.dropFirst(9)))
        var bases = bases
        bases.registry = registry
        let digest = try bases.push(descriptor, to: reference, progress: { events(.base($0)) })
        return ImageTransferReport(image: descriptor.digest, ref: ref, remote: "\(reference)@\(digest)")
    }

    /// Takes an image from a registry.
    ///
    /// - Parameters:
    ///   - text: `docker://HOST/REPO:TAG`, or a name as after FROM.
    ///   - name: the name it gets here; nil for its own.
    public func pullImage(
        _ text: String, as name: String?, registry: RegistryAccess, events: @escaping EventSink
    ) throws -> ImageTransferReport {
        let reference = try ImageReference(
            parsing: text.hasPrefix("docker://") ? String(text.dropFirst(9)) : text)
        var bases = bases
        bases.registry = registry
        let base = try bases.pull(reference, as: name, progress: { events(.base($0)) })
        return ImageTransferReport(image: base.manifest.digest, ref: base.ref, remote: base.origin ?? "\(reference)")
    }

    /// Takes names away from images. Their blobs stay until the next `gc`.
    ///
    /// - Returns: the names that are gone, with the images that had them.
    /// - Throws: `image-not-found`; then no name is taken.
    public func removeImageNames(_ names: [String]) throws -> [(ref: String, image: Digest)] {
        let references = try store.references()
        let found = try names.map { name in
            guard let found = references.first(where: { $0.ref == name }) else { throw IbidError.imageNotFound(name) }
            return (ref: found.ref, image: found.descriptor.digest)
        }
        for (ref, _) in found { try store.untag(ref) }
        return found
    }

    /// An image and the name to write it under.
    private func namedImage(_ text: String) throws -> (String, OCI.Descriptor) {
        let details = try inspectImage(text)
        let ref = details.refs.contains(text) ? text : details.refs.first ?? "image:\(details.digest.hex.prefix(12))"
        return (
            ref,
            OCI.Descriptor(
                mediaType: OCI.MediaType.manifest, digest: details.digest, size: try store.size(of: details.digest))
        )
    }

    /// `iris:59239a3c` as a file name: `iris-59239a3c`.
    private static func fileName(_ ref: String) -> String {
        String(ref.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "_") ? $0 : "-" })
    }

    private static func size(of place: FilePath) throws -> Int64 {
        var status = stat()
        guard stat(place.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return fileSize(place) ?? 0
        }
        return try names(in: place).reduce(0) { try $0 + size(of: place.appending($1)) }
    }
}

extension IbidError {
    static func imageNotFound(_ text: String) -> IbidError {
        IbidError(
            "image-not-found", "there is no image '\(text)'", hint: "list them with 'ibid image ls'", exit: .notFound)
    }
}
