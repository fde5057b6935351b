import CLinux
import Glibc
import IbidCrypto
import IbidLayer
import IbidModel
import IbidStore
import SystemPackage

/// A file of an image from outside. It is read only when it is a regular file: a pipe would never end.
struct ImportFile {
    let path: FilePath
    /// What the user named, for messages.
    let source: String
    let size: Int64

    /// - Throws: `bad-image` when there is no such file or it is of another kind.
    init(_ path: FilePath, source: String) throws {
        var status = cl_stat()
        let result = cl_stat_at(CL_AT_FDCWD, path.string, 1, &status)
        guard result == 0 else {
            throw IbidError.badImage(source, "cannot open \(path): \(errorText(result))")
        }
        guard status.mode & UInt32(S_IFMT) == UInt32(S_IFREG) else {
            throw IbidError.badImage(source, "\(path) is not a regular file")
        }
        (self.path, self.source, size) = (path, source, Int64(clamping: status.size))
    }

    /// Whether there is a regular file.
    static func exists(_ path: FilePath) -> Bool {
        var status = cl_stat()
        return cl_stat_at(CL_AT_FDCWD, path.string, 1, &status) == 0
            && status.mode & UInt32(S_IFMT) == UInt32(S_IFREG)
    }

    /// All its bytes, which may be no more than the limit.
    func read(limit: Int64, what: String) throws -> [UInt8] {
        guard size <= limit else {
            throw IbidError.badImage(source, "its \(what) is \(size) bytes long; \(limit) are the most")
        }
        return try readIfPresent(path) ?? []
    }

    /// What its first bytes say it is.
    func kind() throws -> ArchiveKind? {
        let descriptor = try open()
        defer { try? descriptor.close() }
        let head = try [UInt8](unsafeUninitializedCapacity: 512) { buffer, count in
            count = try descriptor.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
        return ArchiveKind(head)
    }

    /// Its bytes without their compression, piece by piece.
    ///
    /// - Parameter limit: how many bytes may come of it.
    func unpacked(limit: Int64, _ body: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        var total: Int64 = 0
        func take(_ bytes: UnsafeRawBufferPointer) throws {
            total += Int64(bytes.count)
            guard total <= limit else {
                throw IbidError.badImage(
                    source,
                    "\(path.lastComponent?.string ?? "a layer") unpacks to more than \(limit) bytes, "
                        + "for which there is no room")
            }
            try body(bytes)
        }
        guard let program = try kind()?.program else { return try forEachChunk(of: path, take) }
        let descriptor = try open()
        defer { try? descriptor.close() }
        var process = try ChildProcess(program.name, package: program.package, arguments: ["-dc"])
        process.stdin = descriptor.rawValue
        let result = try process.run(output: take)
        guard result.status == 0 else {
            throw IbidError.badImage(source, "a layer does not unpack: \(result.reason)")
        }
    }

    /// Its bytes must be those that a descriptor promises.
    func check(_ descriptor: OCI.Descriptor, what: String) throws {
        guard size == descriptor.size else {
            throw IbidError.badImage(source, "its \(what) has \(size) bytes, its manifest says \(descriptor.size)")
        }
        var hasher = SHA256Hasher()
        try forEachChunk(of: path) { hasher.update($0) }
        let got = hasher.finish()
        guard got == descriptor.digest else {
            throw IbidError.badImage(source, "its \(what) hashes to \(got), its manifest says \(descriptor.digest)")
        }
    }

    private func open() throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
        } catch let error as Errno {
            throw IbidError.badImage(source, "cannot open \(path): \(error)")
        }
    }
}
