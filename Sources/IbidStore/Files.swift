import Glibc
import IbidModel
package import SystemPackage

/// The text of `errno`.
package func lastError() -> String { String(cString: strerror(errno)) }

/// The text of a negative error number, as the CLinux calls return it.
package func errorText(_ result: some SignedInteger) -> String { String(cString: strerror(Int32(-result))) }

/// Makes a directory and the ones above it; existing ones are fine.
package func makeDirectories(_ path: FilePath, mode: UInt32 = 0o755) throws {
    if mkdir(path.string, mode) == 0 { return }
    switch errno {
    case EEXIST:
        var status = stat()
        guard stat(path.string, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw IbidError("not-a-directory", "\(path) exists and is not a directory")
        }
    case ENOENT:
        let parent = path.removingLastComponent()
        guard parent != path, !parent.string.isEmpty else {
            throw IbidError.system("create", path.string, lastError())
        }
        try makeDirectories(parent, mode: mode)
        guard mkdir(path.string, mode) == 0 || errno == EEXIST else {
            throw IbidError.system("create", path.string, lastError())
        }
    default: throw IbidError.system("create", path.string, lastError())
    }
}

/// The names in a directory, without `.` and `..`, unsorted; names that are not UTF-8 are left out.
package func names(in directory: FilePath) throws -> [String] {
    guard let stream = opendir(directory.string) else {
        throw IbidError.system("list", directory.string, lastError())
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
        }
        if let name, name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// A file's length; nil when it is not there.
package func fileSize(_ path: FilePath) -> Int64? {
    var status = stat()
    return stat(path.string, &status) == 0 ? Int64(status.st_size) : nil
}

/// A file's bytes; nil when it is not there.
package func readIfPresent(_ path: FilePath) throws -> [UInt8]? {
    do {
        let size = Int(fileSize(path) ?? 0)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        // Most files are small, and memory for a large piece costs more than all else.
        try forEachChunk(of: path, bytes: min(max(size, 4_096), 256 << 10)) { bytes.append(contentsOf: $0) }
        return bytes
    } catch Errno.noSuchFileOrDirectory {
        return nil
    }
}

/// Reads a file from front to end in pieces.
///
/// - Parameter bytes: how many a piece has at most.
/// - Throws: `Errno` when it cannot be opened, `IbidError` when reading fails, or what `body` throws.
package func forEachChunk(
    of path: FilePath, bytes: Int = 256 << 10, _ body: (UnsafeRawBufferPointer) throws -> Void
) throws {
    let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
    defer { try? descriptor.close() }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 16)
    defer { buffer.deallocate() }
    while true {
        let count = read(descriptor.rawValue, buffer.baseAddress, buffer.count)
        if count == 0 { return }
        if count < 0 {
            if errno == EINTR { continue }
            throw IbidError.system("read", path.string, lastError())
        }
        try body(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
    }
}

/// Replaces a file's content at once: a reader sees the old bytes or the new ones, also after a crash.
///
/// - Parameter durable: whether the new content is on disk when this returns; without it a power failure may leave
///   the file empty or absent.
/// - Parameter alone: whether the caller holds a lock without which nobody writes this file. What a crash leaves beside it
///   is then taken up by the next call.
package func writeAtomically(
    _ bytes: [UInt8], to path: FilePath, mode: UInt32 = 0o644, durable: Bool = true, alone: Bool = false
) throws {
    let directory = path.removingLastComponent()
    let unique = alone ? "new" : "\(getpid()).\(UInt64.random(in: 0 ... .max))"
    let aside = directory.appending(".\(path.lastComponent?.string ?? "file").\(unique)")
    let fresh = alone ? O_TRUNC | O_NOFOLLOW : O_EXCL
    let descriptor = open(aside.string, O_CREAT | fresh | O_WRONLY | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw IbidError.system("create", aside.string, lastError()) }
    do {
        defer { close(descriptor) }
        fchmod(descriptor, mode)
        try bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                guard count >= 0 || errno == EINTR else {
                    throw IbidError.system("write", aside.string, lastError())
                }
                rest = rest.dropFirst(max(0, count))
            }
        }
        if durable, fsync(descriptor) != 0 { throw IbidError.system("flush", aside.string, lastError()) }
        guard rename(aside.string, path.string) == 0 else {
            throw IbidError.system("replace", path.string, lastError())
        }
        if durable { try syncDirectory(directory) }
    } catch {
        unlink(aside.string)
        throw error
    }
}

/// Brings a directory's names to disk.
package func syncDirectory(_ path: FilePath) throws {
    let descriptor = open(path.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw IbidError.system("open", path.string, lastError()) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw IbidError.system("flush", path.string, lastError()) }
}
