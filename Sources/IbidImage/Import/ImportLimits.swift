import Glibc
import SystemPackage

/// What an image from outside may ask of this machine.
struct ImportLimits: Hashable, Sendable {
    /// The longest manifest or index, in bytes; registries and skopeo draw the line here too.
    var manifestBytes: Int64 = 4 << 20
    /// The longest configuration.
    var configurationBytes: Int64 = 16 << 20
    /// The most layers; an overlay takes about five hundred.
    var layers = 400
    /// The longest layer without its compression.
    var layerBytes: Int64 = 64 << 30

    /// The longest layer that still leaves a gigabyte free: a small file can unpack to any size.
    func layerBytes(freeIn directory: FilePath) -> Int64 {
        var status = statvfs()
        guard statvfs(directory.string, &status) == 0 else { return layerBytes }
        let free = Int64(clamping: status.f_bavail) * Int64(clamping: status.f_frsize)
        return max(1 << 20, min(layerBytes, free - (1 << 30)))
    }
}
