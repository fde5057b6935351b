import CLinux
import Glibc
import IbidCrypto
import IbidModel
import IbidStore
import SystemPackage

/// Where the second build of a verification works: in memory when the home is on a disk and there is room, so that its
/// files lie on another kind of file system. One verification of a home at a time; what a killed one left goes first.
final class SecondPlace {
    let root: FilePath
    private let lock: FileLock
    private let home: FilePath

    var layers: FilePath { root.appending("layers") }
    var runs: FilePath { root.appending("runs") }
    var cache: FilePath { root.appending("cache") }

    /// - Parameters:
    ///   - home: the builder's cache directory.
    ///   - image: the image's length in bytes: it is unpacked there, and its steps are run once more.
    init(home: FilePath, image: Int64) throws {
        self.home = home
        try makeDirectories(home)
        lock = try FileLock(home.appending("verify.lock"))
        let place = try ScratchPlace.directory(needing: 3 * image + 1 << 30, fallback: home)
        root = place.appending("ibid-verify-\(Digest.sha256(of: home.string).hex.prefix(12))")
        try removeTree(root)
        for directory in [layers, runs, cache] {
            try makeDirectories(directory)
            // The umask has no say: the container's user has to pass through.
            chmod(directory.string, 0o755)
        }
        chmod(root.string, 0o755)
    }

    /// The kinds of file system of the home and of this place.
    var fileSystems: (String, String) { (Self.kind(home), Self.kind(root)) }

    /// Removes it.
    func remove() {
        // The next verification removes what could not be removed now.
        try? removeTree(root)
        lock.release()
    }

    private static func kind(_ path: FilePath) -> String {
        switch cl_filesystem_type(path.string) {
        case CL_TMPFS_MAGIC: "tmpfs"
        case 0xef53: "ext4"
        case 0x5846_5342: "xfs"
        case 0x9123_683e: "btrfs"
        case 0x794c_7630: "overlay"
        case let other: "type 0x" + String(other, radix: 16)
        }
    }
}
