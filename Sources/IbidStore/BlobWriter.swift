import CLinux
import Glibc
import IbidCrypto
public import IbidModel
import SystemPackage

/// A blob in the making. Its bytes are hashed as they come; nobody sees them before `finish`.
///
/// A writer that goes away unfinished leaves nothing: its file never had a name. Not for use by two threads at once.
public final class BlobWriter {
    private let store: Store
    private let directory: FilePath
    private let descriptor: Int32
    private let directoryDescriptor: Int32
    private var hasher: SHA256Hasher?
    private var buffer: UnsafeMutableRawBufferPointer
    private var filled = 0
    private let forLater: Bool
    private var behind: WriteBehind?
    /// Bytes written so far.
    public private(set) var size: Int64 = 0

    init(store: Store, directory: FilePath, forLater: Bool) throws {
        self.store = store
        self.forLater = forLater
        self.directory = directory
        directoryDescriptor = open(directory.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directoryDescriptor >= 0 else { throw IbidError.system("open", directory.string, lastError()) }
        descriptor = cl_tmpfile_at(directoryDescriptor, 0o444)
        guard descriptor >= 0 else {
            close(directoryDescriptor)
            throw IbidError.system("write in", directory.string, errorText(descriptor))
        }
        // The umask has no say in a store that others read.
        fchmod(descriptor, 0o444)
        hasher = SHA256Hasher()
        buffer = forLater ? WriteBehind.makeBlock() : .allocate(byteCount: 1 << 20, alignment: 4_096)
    }

    deinit {
        behind?.abandon()
        close(descriptor)
        close(directoryDescriptor)
        buffer.deallocate()
    }

    /// Adds bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        size += Int64(bytes.count)
        var rest = bytes
        while !rest.isEmpty {
            if filled == 0, rest.count >= buffer.count, !forLater {
                try emit(UnsafeRawBufferPointer(rebasing: rest.prefix(buffer.count)))
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(buffer.count))
                continue
            }
            let count = min(rest.count, buffer.count - filled)
            UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
            filled += count
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            if filled == buffer.count { try flushBuffer() }
        }
    }

    /// Adds bytes.
    public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

    /// Gives the blob its name.
    ///
    /// - Parameter durable: whether the bytes are on disk when this returns. Without it the caller calls
    ///   `Store.flush()` once before it enters the digest anywhere.
    public func finish(durable: Bool = true) throws -> (digest: Digest, size: Int64) {
        try flushBuffer(isLast: true)
        guard let digest = hasher.take()?.finish() else { preconditionFailure("a blob is finished once") }
        if try store.hasBlob(digest, size: size) { return (digest, size) }
        if durable, fsync(descriptor) != 0 { throw IbidError.system("flush", "a blob", lastError()) }
        try publish(digest)
        // A crash before this leaves the name out of the directory: the blob is absent, not damaged.
        if durable { try syncDirectory(directory) }
        return (digest, size)
    }

    private func publish(_ digest: Digest) throws {
        let result = cl_link_tmpfile(descriptor, directoryDescriptor, digest.hex)
        if result == 0 { return }
        guard result == -EEXIST else { throw IbidError.system("create", digest.hex, errorText(result)) }
        // Another process stored it first; or a power failure left a file of the wrong length, which is replaced.
        if try store.hasBlob(digest, size: size) { return }
        let aside = ".replace-\(getpid())-\(digest.hex)"
        _ = cl_unlink_at(directoryDescriptor, aside, 0)
        let linked = cl_link_tmpfile(descriptor, directoryDescriptor, aside)
        guard linked == 0 else { throw IbidError.system("create", aside, errorText(linked)) }
        guard renameat(directoryDescriptor, aside, directoryDescriptor, digest.hex) == 0 else {
            throw IbidError.system("replace", digest.hex, lastError())
        }
    }

    private func flushBuffer(isLast: Bool = false) throws {
        defer { filled = 0 }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer[0..<filled])
        // What fits one block is not worth a thread.
        guard forLater, behind != nil || !isLast else { return try emit(bytes) }
        hasher?.update(bytes)
        let behind = try behind ?? WriteBehind(descriptor)
        self.behind = behind
        let error: Int32
        if isLast {
            error = behind.finish(buffer, count: filled)
            // The block is not this object's any more.
            (self.behind, buffer) = (nil, UnsafeMutableRawBufferPointer(start: nil, count: 0))
        } else {
            (buffer, error) = behind.exchange(buffer)
        }
        guard error == 0 else { throw IbidError.system("write in", directory.string, errorText(-error)) }
    }

    private func emit(_ bytes: UnsafeRawBufferPointer) throws {
        hasher?.update(bytes)
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw IbidError.system("write in", directory.string, lastError())
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }
}
