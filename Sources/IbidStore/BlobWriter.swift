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
    /// Made when bytes have to be gathered.
    private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private let capacity: Int
    private var filled = 0
    private let forLater: Bool
    private var behind: WriteBehind?
    /// Bytes written so far.
    public private(set) var size: Int64 = 0

    /// - Parameter buffer: how many bytes are gathered before they are written.
    init(store: Store, directory: FilePath, forLater: Bool, buffer: Int = 1 << 20) throws {
        self.store = store
        capacity = forLater ? WriteBehind.blockSize : buffer
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
            if filled == 0, rest.count >= capacity, !forLater {
                try emit(UnsafeRawBufferPointer(rebasing: rest.prefix(capacity)))
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(capacity))
                continue
            }
            if buffer.count == 0 {
                buffer = forLater ? WriteBehind.makeBlock() : .allocate(byteCount: capacity, alignment: 4_096)
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
        let digest = try writeLast()
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

    /// Writes what is in the buffer, which is full.
    private func flushBuffer() throws {
        defer { filled = 0 }
        guard forLater else { return try emit(UnsafeRawBufferPointer(buffer)) }
        let behind = try behind ?? WriteBehind(descriptor)
        self.behind = behind
        let error: Int32
        (buffer, error) = behind.exchange(buffer)
        try check(error)
    }

    /// Writes what is left in the buffer, and gives the digest of everything.
    private func writeLast() throws -> Digest {
        guard let behind = behind.take() else {
            // What fits one block is not worth a thread.
            try emit(UnsafeRawBufferPointer(rebasing: buffer[0..<filled]))
            guard let digest = hasher.take()?.finish() else { preconditionFailure("a blob is finished once") }
            return digest
        }
        let (digest, error) = behind.finish(buffer, count: filled)
        // The block is not this object's any more.
        buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        try check(error)
        return digest
    }

    private func check(_ error: Int32) throws {
        if error != 0 { throw IbidError.system("write in", directory.string, errorText(-error)) }
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
