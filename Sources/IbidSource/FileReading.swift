import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// An open file that is read to its end; closed when it goes away.
struct OpenFile: ~Copyable {
    private let descriptor: Int32
    private let path: FilePath
    /// The length when it was opened.
    let size: Int64
    /// Whether its owner may execute it.
    let executable: Bool

    /// Opens a regular file; a symbolic link is not followed.
    init(_ path: FilePath) throws {
        // Without O_NONBLOCK, a named pipe in its place would hang here for ever.
        descriptor = path.withPlatformString { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) }
        self.path = path
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, lastError()) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw IbidError.system("read", path.string, "it is not a regular file")
        }
        size = Int64(status.st_size)
        executable = status.st_mode & S_IXUSR != 0
    }

    deinit { close(descriptor) }

    /// Hands out the content piece by piece.
    func forEachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4_096)
        defer { buffer.deallocate() }
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw IbidError.system("read", path.string, lastError()) }
            if count == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
