import IbidModel
import SystemPackage

/// A Git LFS pointer: what git keeps in place of a large file (git-lfs, docs/spec.md).
struct LFSPointer: Equatable {
    /// No pointer is longer.
    static let sizeLimit = 1_024

    /// The file's digest.
    let digest: Digest
    /// The file's length in bytes.
    let size: Int64

    /// Reads a pointer; nil for anything else, pointers with extensions included.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= Self.sizeLimit, bytes.starts(with: "version https://".utf8) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        let versions = ["https://git-lfs.github.com/spec/v1", "https://hawser.github.com/spec/v1"]
        guard lines.count == 4, lines[3].isEmpty, versions.contains(String(lines[0].dropFirst(8))),
            lines[1].hasPrefix("oid "), let digest = Digest(String(lines[1].dropFirst(4))),
            lines[2].hasPrefix("size "), let size = Int64(lines[2].dropFirst(5)), size >= 0
        else { return nil }
        self.digest = digest
        self.size = size
    }
}

extension GitRepository {
    /// Where the local LFS store keeps an object.
    func lfsObject(_ digest: Digest) -> FilePath {
        var storage = commonDirectory.appending("lfs")
        if let setting = setting("lfs.storage"), !setting.isEmpty {
            storage = setting.hasPrefix("/") ? FilePath(setting) : commonDirectory.appending(setting)
        }
        let hex = digest.hex
        return storage.appending("objects").appending(String(hex.prefix(2)))
            .appending(String(hex.dropFirst(2).prefix(2))).appending(hex)
    }
}
