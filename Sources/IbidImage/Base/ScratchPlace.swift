import CLinux
import Glibc
import IbidStore
import SystemPackage

/// Where large temporary trees go.
enum ScratchPlace {
    /// A directory with at least that much room: memory when there is plenty (it halves a bootstrap), else disk.
    ///
    /// - Parameter fallback: a directory on disk, made when it is missing.
    static func directory(needing bytes: Int64, fallback: FilePath) throws -> FilePath {
        for path in ["/dev/shm", "/tmp"] where cl_filesystem_type(path) == CL_TMPFS_MAGIC {
            var status = statvfs()
            guard statvfs(path, &status) == 0 else { continue }
            let usable = !isRestricted(path)
            let room = Int64(clamping: status.f_bavail) * Int64(clamping: status.f_frsize)
            if usable, room > bytes, availableMemory > 2 * bytes { return FilePath(path) }
        }
        try makeDirectories(fallback, mode: 0o755)
        return fallback
    }

    // Programs and device nodes have to work there.
    private static func isRestricted(_ path: String) -> Bool {
        guard let mounts = try? readIfPresent("/proc/self/mounts") else { return true }
        for line in String(decoding: mounts, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3, fields[1] == path else { continue }
            let options = fields[3].split(separator: ",")
            if options.contains("noexec") || options.contains("nodev") || options.contains("nosuid") { return true }
        }
        return false
    }

    private static var availableMemory: Int64 {
        guard let bytes = try? readIfPresent("/proc/meminfo") else { return 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("MemAvailable:")
        {
            return (line.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0) << 10
        }
        return 0
    }
}
