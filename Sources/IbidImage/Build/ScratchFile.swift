import CLinux
import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// A file without a name: it is gone when nothing holds it any more, also after a crash.
final class ScratchFile {
    let descriptor: Int32
    private(set) var size: Int64 = 0

    /// - Parameter directory: on whose file system it lies; made when it is missing.
    init(in directory: FilePath) throws {
        try makeDirectories(directory, mode: 0o755)
        let parent = open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw IbidError.system("open", directory.string, lastError()) }
        defer { close(parent) }
        descriptor = cl_tmpfile_at(parent, 0o600)
        guard descriptor >= 0 else {
            throw IbidError.system("make a file in", directory.string, errorText(descriptor))
        }
    }

    deinit { close(descriptor) }

    /// Appends bytes.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw IbidError.system("write", "a temporary file", lastError()) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        size += Int64(bytes.count)
    }

    /// Goes back to the beginning, for a reader of the descriptor.
    func rewind() { lseek(descriptor, 0, SEEK_SET) }

    /// Hands out a part of it.
    func read(from offset: Int64, count: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4_096)
        defer { buffer.deallocate() }
        var (offset, left) = (offset, count)
        while left > 0 {
            let got = pread(descriptor, buffer.baseAddress, Int(min(left, Int64(buffer.count))), Int(offset))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw IbidError.system("read", "a temporary file", lastError()) }
            try body(UnsafeRawBufferPointer(rebasing: buffer[0..<got]))
            (offset, left) = (offset + Int64(got), left - Int64(got))
        }
    }
}
