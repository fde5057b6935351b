import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// A file of the unpacked source tree, read without following a link out of it.
enum SourceFile {
    /// The file's text; nil when it is not there.
    ///
    /// - Parameter limit: the largest size, in bytes, that is read.
    static func read(_ path: String, in tree: FilePath, limit: Int) throws -> String? {
        let root = open(tree.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw IbidError.system("open", tree.string, lastError()) }
        defer { close(root) }
        let descriptor = cl_openat2(root, path, CL_O_RDONLY | CL_O_NONBLOCK, 0, CL_RESOLVE_IN_ROOT)
        if descriptor == -ENOENT { return nil }
        guard descriptor >= 0 else { throw IbidError.system("open", path, errorText(descriptor)) }
        defer { close(descriptor) }
        let place = FilePath("/proc/self/fd/\(descriptor)")
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw IbidError("not-a-file", "\(path) is not a file")
        }
        guard status.st_size <= limit else {
            throw IbidError("file-too-large", "\(path) is larger than \(limit) bytes")
        }
        guard let bytes = try readIfPresent(place), let text = String(validating: bytes, as: UTF8.self) else {
            throw IbidError("not-text", "\(path) is not UTF-8 text")
        }
        return text
    }
}
