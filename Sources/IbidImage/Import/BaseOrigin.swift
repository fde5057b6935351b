import CLinux
import Glibc
import IbidModel
public import SystemPackage

/// Where an image that is added comes from.
public enum BaseOrigin: Hashable, Sendable {
    /// An OCI image layout; without a ref, the only image in it.
    case layout(FilePath, ref: String?)
    /// An OCI image layout in a tar archive.
    case layoutArchive(FilePath, ref: String?)
    /// What `docker save` and `podman save` write; without a name, the only image in it.
    case dockerArchive(FilePath, name: String?)
    /// An archive of a root file system, packed or not.
    case rootArchive(FilePath)
    /// A directory: an image as `skopeo copy … dir:` left it, or a root file system.
    case directory(FilePath)
    /// An image in a registry.
    case registry(ImageReference)

    /// The forms, for help and errors.
    public static let forms =
        "docker://HOST/REPO:TAG, oci:DIR[:REF], oci-archive:FILE[:REF], docker-archive:FILE[:NAME], dir:DIR or rootfs.tar"

    /// Reads one of `forms`.
    ///
    /// - Throws: `IbidError` for anything else.
    public static func parse(_ text: String) throws -> BaseOrigin {
        if text.hasPrefix("docker://") {
            return .registry(try ImageReference(parsing: String(text.dropFirst(9))))
        }
        if let (path, ref) = parts(text, after: "oci:") { return .layout(path, ref: ref) }
        if let (path, ref) = parts(text, after: "oci-archive:") { return .layoutArchive(path, ref: ref) }
        if let (path, name) = parts(text, after: "docker-archive:") { return .dockerArchive(path, name: name) }
        if text.hasPrefix("dir:"), text.utf8.count > 4 { return .directory(FilePath(String(text.dropFirst(4)))) }
        let suffixes = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".txz", ".tar.bz2"]
        if !text.isEmpty, suffixes.contains(where: text.hasSuffix) || isFile(text) {
            return .rootArchive(FilePath(text))
        }
        throw IbidError(
            "bad-origin", "'\(text)' is no origin of an image", hint: "write \(forms)", exit: .usage)
    }

    private static func isFile(_ path: String) -> Bool {
        var status = cl_stat()
        return !path.contains(":") && cl_stat_at(CL_AT_FDCWD, path, 1, &status) == 0
            && status.mode & UInt32(S_IFMT) == UInt32(S_IFREG)
    }

    // As skopeo reads it: what follows the first colon is the name.
    private static func parts(_ text: String, after prefix: String) -> (FilePath, String?)? {
        guard text.hasPrefix(prefix) else { return nil }
        let parts = text.dropFirst(prefix.count).split(separator: ":", maxSplits: 1).map(String.init)
        guard let path = parts.first else { return nil }
        return (FilePath(path), parts.count == 2 ? parts[1] : nil)
    }
}
