import Glibc
import IbidCrypto
import IbidModel
import SystemPackage

/// Small files that must never be seen half written: keys and checkpoints.
enum SmallFile {
    /// What a reading found.
    enum Content {
        case missing
        case text(String)
    }

    /// Reads a file of at most 1 MiB.
    ///
    /// - Throws: `system` when it is there and cannot be read.
    static func read(_ path: FilePath) throws -> Content {
        let descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return .missing }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4_096)
        while bytes.count < 1 << 20 {
            let got = Glibc.read(descriptor, &piece, piece.count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw failure("read", path) }
            if got == 0 { break }
            bytes += piece.prefix(got)
        }
        return .text(String(decoding: bytes, as: UTF8.self))
    }

    /// Creates a file that is complete, durable and private from the moment it is seen.
    ///
    /// - Returns: false when the file was there already; then it is untouched.
    static func create(_ path: FilePath, _ text: String, mode: mode_t) throws -> Bool {
        let temporary = try writeTemporary(beside: path, text, mode: mode)
        defer { unlink(temporary.string) }
        // link(2) refuses an existing name, which rename(2) would replace: of two processes, one key wins.
        guard link(temporary.string, path.string) == 0 else {
            if errno == EEXIST { return false }
            throw failure("create", path)
        }
        try syncDirectory(of: path)
        return true
    }

    /// Replaces a file in one step; a crash leaves the old or the new content.
    static func replace(_ path: FilePath, _ text: String, mode: mode_t, durable: Bool) throws {
        let temporary = try writeTemporary(beside: path, text, mode: mode, durable: durable)
        guard rename(temporary.string, path.string) == 0 else {
            let error = failure("replace", path)
            unlink(temporary.string)
            throw error
        }
        if durable { try syncDirectory(of: path) }
    }

    /// Makes a directory (and what is above it) for its owner alone.
    static func makePrivateDirectory(_ path: FilePath) throws {
        if mkdir(path.string, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, path.lastComponent != nil, path != path.removingLastComponent() else {
            throw failure("make", path)
        }
        try makePrivateDirectory(path.removingLastComponent())
        guard mkdir(path.string, 0o700) == 0 || errno == EEXIST else { throw failure("make", path) }
    }

    private static func writeTemporary(
        beside path: FilePath, _ text: String, mode: mode_t, durable: Bool = true
    ) throws -> FilePath {
        let temporary = FilePath(path.string + ".new-" + Hex.encode(SecureRandom.bytes(8)))
        let descriptor = open(temporary.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create a file beside", path) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return try abandon(temporary, path) }
            written += count
        }
        guard fchmod(descriptor, mode) == 0, !durable || fsync(descriptor) == 0 else {
            return try abandon(temporary, path)
        }
        return temporary
    }

    private static func abandon(_ temporary: FilePath, _ path: FilePath) throws -> FilePath {
        let error = failure("write", path)
        unlink(temporary.string)
        throw error
    }

    private static func syncDirectory(of path: FilePath) throws {
        let directory = path.removingLastComponent()
        let descriptor = open(directory.isEmpty ? "." : directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", directory) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", directory) }
    }

    private static func failure(_ operation: String, _ path: FilePath) -> IbidError {
        .system(operation, path.string, String(cString: strerror(errno)))
    }
}
