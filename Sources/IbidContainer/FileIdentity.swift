import CLinux
import IbidModel
import IbidStore
import SystemPackage

/// What a program's file is, as far as it can be told without reading it: another file, and the same one written
/// again, have another identity.
struct FileIdentity {
    /// One line.
    let text: String

    /// Looks at a file; a last symbolic link is followed.
    init(_ path: FilePath) throws {
        var status = cl_stat()
        let result = cl_stat_at(CL_AT_FDCWD, path.string, 1, &status)
        guard result == 0 else { throw IbidError.system("look at", path.string, errorText(result)) }
        // The time of change (ctime) cannot be set by anybody.
        text =
            "\(path) \(status.device) \(status.inode) \(status.size) "
            + "\(status.mtime_seconds).\(status.mtime_nanoseconds) \(status.ctime_seconds).\(status.ctime_nanoseconds)"
    }
}
