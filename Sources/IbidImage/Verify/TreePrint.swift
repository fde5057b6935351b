import CLinux
import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// What a directory holds, without its times: enough to say in which files two directories differ.
struct TreePrint {
    /// One entry: kind, permissions and owner, and what it holds.
    struct Entry: Hashable {
        var mode: UInt32
        var uid: UInt32
        var gid: UInt32
        /// A file's digest, a link's target, a device's numbers; empty for a directory.
        var content: String
    }

    private(set) var entries: [[UInt8]: Entry] = [:]

    /// Reads a directory through. Nothing is followed.
    init(of directory: FilePath) throws {
        let root = open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw IbidError.system("open", directory.string, lastError()) }
        defer { close(root) }
        try walk(root, [])
    }

    /// The paths that are not the same in both, sorted.
    func differences(from other: TreePrint) -> [[UInt8]] {
        Set(entries.keys).union(other.entries.keys).filter { entries[$0] != other.entries[$0] }
            .sorted { $0.lexicographicallyPrecedes($1) }
    }

    private mutating func walk(_ directory: Int32, _ path: [UInt8]) throws {
        for raw in try rawNames(in: directory) {
            let name = raw.dropLast().map(UInt8.init(bitPattern:))
            let child = path.child(name)
            var status = cl_stat()
            let result = cl_stat_at(directory, raw, 0, &status)
            guard result == 0 else { throw failure("look at", child, result) }
            var entry = Entry(mode: status.mode, uid: status.uid, gid: status.gid, content: "")
            switch status.mode & UInt32(S_IFMT) {
            case UInt32(S_IFREG): entry.content = try digest(raw, in: directory, child)
            case UInt32(S_IFLNK):
                var target = [UInt8](repeating: 0, count: 4_096)
                let count = cl_readlink_at(directory, raw, &target, target.count)
                guard count >= 0 else { throw failure("read", child, Int32(count)) }
                entry.content = String(decoding: target.prefix(count), as: UTF8.self)
            case UInt32(S_IFCHR), UInt32(S_IFBLK): entry.content = "\(status.device_major):\(status.device_minor)"
            default: break
            }
            entries[child] = entry
            guard status.mode & UInt32(S_IFMT) == UInt32(S_IFDIR) else { continue }
            let opened = openat(directory, raw, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard opened >= 0 else { throw failure("open", child, -errno) }
            defer { close(opened) }
            try walk(opened, child)
        }
    }

    private func digest(_ name: [CChar], in directory: Int32, _ path: [UInt8]) throws -> String {
        let file = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw failure("open", path, -errno) }
        defer { close(file) }
        var hasher = SHA256Hasher()
        try forEachChunk(of: FilePath("/proc/self/fd/\(file)")) { hasher.update($0) }
        return hasher.finish().hex
    }

    private func failure(_ operation: String, _ path: [UInt8], _ result: Int32) -> IbidError {
        IbidError.system(operation, String(decoding: path, as: UTF8.self), errorText(result))
    }
}
