import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// The small files of /proc and /sys/fs/cgroup: read whole, written in one call.
enum TextFile {
    /// The text; nil when there is no such file.
    static func read(_ path: FilePath, limit: Int = 1 << 20) -> String? {
        readBytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// At most `limit` bytes; nil when there is no such file.
    static func readBytes(_ path: FilePath, limit: Int = 1 << 20) -> [UInt8]? {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let count = withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 { bytes.append(contentsOf: buffer.prefix(count)) }
                return count
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
        }
        return bytes
    }

    /// Makes a file that need not survive a crash: no flush, which would cost more than the whole container.
    static func create(_ bytes: [UInt8], at path: FilePath) throws {
        let descriptor = open(path.string, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw IbidError.system("create", path.string, lastError()) }
        defer { close(descriptor) }
        fchmod(descriptor, 0o644)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw IbidError.system("write", path.string, lastError()) }
            rest = rest.dropFirst(count)
        }
    }

    /// Writes text in one call, as kernel files want it; the error number, or 0.
    static func write(_ text: String, to path: FilePath) -> Int32 {
        let descriptor = open(path.string, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        return Glibc.write(descriptor, bytes, bytes.count) == bytes.count ? 0 : errno
    }
}
