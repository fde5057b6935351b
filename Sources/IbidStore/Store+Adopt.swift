import CLinux
import Glibc
import IbidCrypto
package import IbidModel
import SystemPackage

extension Store {
    /// Makes a file that nobody writes any more a blob: it is read once to be hashed, and gets a second name in the
    /// store. Where that cannot be (another file system, other names of the file, attributes of its own) it is copied.
    /// The holes of the file itself stay holes, those of a copy are zeros.
    ///
    /// The file's owner and mode become those of a blob.
    ///
    /// - Parameters:
    ///   - descriptor: the file, opened for reading.
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
        let whole = try SparseReader.read(descriptor, status, size: size) { bytes in
            if let writer { try writer.write(bytes) } else { hasher.update(bytes) }
        }
        guard whole else { return nil }
        if let writer { return try writer.finish(durable: durable).digest }
        let digest = hasher.finish()
        if try hasBlob(digest, size: size) { return digest }
        if try link(descriptor, as: digest, durable: durable) { return digest }
        let copy = try self.writer()
        let copied = try SparseReader.read(descriptor, status, size: size) { try copy.write($0) }
        guard copied else { return nil }
        return try copy.finish(durable: durable).digest
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
