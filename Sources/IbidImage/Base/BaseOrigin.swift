import IbidModel
public import SystemPackage

/// Where an image that is added comes from.
public enum BaseOrigin: Hashable, Sendable {
    /// An OCI image layout; without a ref, the only image in it.
    case layout(FilePath, ref: String?)
    /// What `docker save` writes.
    case dockerArchive(FilePath)
    /// An archive of a root file system, packed or not.
    case rootArchive(FilePath)

    /// Reads `oci:DIR[:REF]`, `docker-archive:FILE`, or the path of an archive.
    ///
    /// - Throws: `IbidError` for anything else.
    public static func parse(_ text: String) throws -> BaseOrigin {
        if text.hasPrefix("oci:") {
            let parts = text.dropFirst(4).split(separator: ":", maxSplits: 1).map(String.init)
            if let path = parts.first {
                return .layout(FilePath(path), ref: parts.count == 2 ? parts[1] : nil)
            }
        } else if text.hasPrefix("docker-archive:") {
            let path = String(text.dropFirst(15))
            if !path.isEmpty { return .dockerArchive(FilePath(path)) }
        } else if !text.isEmpty,
            [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2"].contains(where: text.hasSuffix)
        {
            return .rootArchive(FilePath(text))
        }
        throw IbidError(
            "bad-origin", "'\(text)' is no origin of an image",
            hint: "write oci:DIR[:REF], docker-archive:FILE or the path of a rootfs.tar", exit: .usage)
    }
}
