import CLinux
import Glibc
import IbidCrypto
package import IbidModel
import SystemPackage

extension Store {
    /// Makes a file that nobody writes any more a blob: it is read once to be hashed, and gets a second name in the
    /// store. Where that cannot be (another file system, other names of the file, attributes of its own) it is copied.
    ///
    /// The file's owner and mode become those of a blob.
    ///
    /// - Parameters:
    ///   - descriptor: the file, opened for reading, at its beginning.
    ///   - size: how long it should be.
    ///   - durable: as in `BlobWriter.finish`.
    /// - Returns: nil when it is shorter than that.
    package func adopt(_ descriptor: Int32, size: Int64, durable: Bool) throws -> Digest? {
        var status = cl_stat()
        let looked = cl_stat_at(descriptor, "", 0, &status)
        guard looked == 0 else { throw IbidError.system("look at", "an output", errorText(looked)) }
        // One more name than its own would change under whoever looks at it by that name.
        let isPlain = status.links == 1 && cl_flistxattr(descriptor, nil, 0) == 0
        let writer = isPlain ? nil : try writer()
        var hasher = SHA256Hasher()
        let whole = try Self.read(descriptor, size: size) { bytes in
            if let writer { try writer.write(bytes) } else { hasher.update(bytes) }
        }
        guard whole else { return nil }
        if let writer { return try writer.finish(durable: durable).digest }
        let digest = hasher.finish()
        if try hasBlob(digest, size: size) { return digest }
        if try link(descriptor, as: digest, durable: durable) { return digest }
        guard lseek(descriptor, 0, Int32(SEEK_SET)) == 0 else {
            throw IbidError.system("read", "an output", lastError())
        }
        let copy = try self.writer()
        guard try Self.read(descriptor, size: size, { try copy.write($0) }) else { return nil }
        return try copy.finish(durable: durable).digest
    }

    private static func read(
        _ descriptor: Int32, size: Int64, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4_096)
        defer { buffer.deallocate() }
        var left = size
        while left > 0 {
            let count = Glibc.read(descriptor, buffer.baseAddress, min(buffer.count, Int(left)))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw IbidError.system("read", "an output", lastError()) }
            if count == 0 { return false }
            try body(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            left -= Int64(count)
        }
        return true
    }

    // False when the file cannot have a name in the store.
    private func link(_ descriptor: Int32, as digest: Digest, durable: Bool) throws -> Bool {
        guard fchown(descriptor, geteuid(), getegid()) == 0, fchmod(descriptor, 0o444) == 0 else { return false }
        if durable, fsync(descriptor) != 0 { throw IbidError.system("flush", "a blob", lastError()) }
        let result = cl_link_tmpfile(descriptor, CL_AT_FDCWD, name(of: digest))
        // A name that is taken has other bytes below it: the copy replaces them.
        guard result == 0 else { return false }
        if durable { try syncDirectory(blobs) }
        return true
    }
}
