import CLinux
import Glibc
public import IbidModel
import IbidStore
package import SystemPackage

extension LayerCache {
    /// How much disk an unpacked layer takes, in bytes; files that it shares with nothing else count once.
    public func diskBytes(of diffID: Digest) throws -> Int64 { try IbidLayer.diskBytes(below: path(of: diffID)) }

    /// Removes an unpacked layer. It is unpacked again when it is needed; nothing may run on it now.
    public func remove(_ diffID: Digest) throws {
        try whileLocked(diffID) {
            // The mark first: a half removed layer is never taken for whole.
            try removeTree(root.appending(".\(diffID.hex).boot"))
            try removeTree(path(of: diffID))
        }
    }
}

/// How much disk a directory and all below it take, in bytes; what is not there takes none.
package func diskBytes(below path: FilePath) throws -> Int64 {
    var status = stat()
    guard lstat(path.string, &status) == 0 else { return 0 }
    let own = Int64(status.st_blocks) * 512 / max(1, status.st_mode & S_IFMT == S_IFDIR ? 1 : Int64(status.st_nlink))
    guard status.st_mode & S_IFMT == S_IFDIR else { return own }
    return try names(in: path).reduce(own) { try $0 + diskBytes(below: path.appending($1)) }
}
