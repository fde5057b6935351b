import CLinux
import Glibc
import IbidCrypto
public import IbidModel
import Synchronization
public import SystemPackage

/// Content-addressed blobs in an OCI image layout (image-layout.md): `oci-layout`, `index.json`,
/// `blobs/sha256/<hex>`. Other OCI tools read the directory as it is.
///
/// A blob is either wholly there or not there: bytes are written to an unnamed file, which gets its name only when it
/// is complete. Any number of processes may use one store at a time. A crash leaves nothing behind.
public struct Store: Sendable {
    /// The layout's directory.
    public let root: FilePath

    let blobs: FilePath
    private let blobsText: String
    /// Shared by all copies.
    private let known = Known()

    /// What manifests and configurations say, by their digests; their bytes are read and checked each time.
    private final class Known: Sendable {
        let manifests = Mutex<[Digest: OCI.Manifest]>([:])
        let configs = Mutex<[Digest: OCI.ImageConfig]>([:])
    }

    private init(root: FilePath) {
        self.root = root
        blobs = root.appending("blobs").appending("sha256")
        blobsText = blobs.string
    }

    /// Opens the store in a directory, making an empty one where there is none.
    ///
    /// - Throws: `IbidError` when the directory holds a layout of another version, or cannot be written.
    public static func open(at root: FilePath) throws -> Store {
        let store = Store(root: root)
        try makeDirectories(store.blobs)
        let marker = root.appending("oci-layout")
        if let text = try readIfPresent(marker) {
            guard try CanonicalJSON.parse(text)["imageLayoutVersion"]?.string == "1.0.0" else {
                throw IbidError("store-version", "\(root) holds an OCI layout of a version other than 1.0.0")
            }
        } else {
            try writeAtomically(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), to: marker)
        }
        if access(root.appending("index.json").string, F_OK) != 0 {
            try store.changeIndex { _ in }
        }
        return store
    }

    // MARK: Blobs

    /// Whether the store names a blob. Its bytes are checked when it is read.
    public func contains(_ digest: Digest) -> Bool { access(path(of: digest).string, F_OK) == 0 }

    /// Where a blob's bytes are. Reading them from there skips the check that `read` makes.
    public func path(of digest: Digest) -> FilePath { blobs.appending(digest.hex) }

    /// Stores bytes and gives their digest. The content is on disk when this returns; storing it again changes nothing.
    @discardableResult
    public func put(_ bytes: [UInt8]) throws -> Digest {
        let digest = Digest.sha256(of: bytes)
        if try hasBlob(digest, size: Int64(bytes.count)) { return digest }
        // As large a buffer as there are bytes: none is made, since nothing has to be gathered.
        let writer = try BlobWriter(store: self, directory: blobs, forLater: false, buffer: bytes.count)
        try writer.write(bytes)
        return try writer.finish().digest
    }

    /// Stores the RFC 8785 bytes of a value and gives their digest.
    @discardableResult
    public func put(canonical value: some Encodable) throws -> Digest { try put(try CanonicalJSON.encode(value)) }

    /// Stores a copy of a file.
    ///
    /// The file is read once; what was read is what the digest names, even when the file changes meanwhile.
    @discardableResult
    public func put(file: FilePath) throws -> (digest: Digest, size: Int64) {
        let writer = try writer()
        try forEachChunk(of: file) { try writer.write($0) }
        return try writer.finish()
    }

    /// Starts a blob whose bytes come piece by piece.
    ///
    /// - Parameter forLater: whether nobody is going to read it soon. A large one is then written by a thread of its
    ///   own, past the page cache.
    public func writer(forLater: Bool = false) throws -> BlobWriter {
        try BlobWriter(store: self, directory: blobs, forLater: forLater)
    }

    /// A blob's bytes, checked against its name.
    ///
    /// - Throws: `missing-blob` or `corrupt-blob`.
    public func read(_ digest: Digest) throws -> [UInt8] {
        guard let bytes = try readIfPresent(path(of: digest)) else { throw IbidError.missingBlob(digest) }
        let got = Digest.sha256(of: bytes)
        guard got == digest else { throw IbidError.corruptBlob(digest, got: got) }
        return bytes
    }

    /// The same, in little memory however many outputs there are.
    @discardableResult
    public func put(canonical result: RunResult) throws -> Digest { try put(result.canonicalBytes) }

    /// Decodes a blob that holds JSON.
    ///
    /// - Throws: `missing-blob`, `corrupt-blob` or a `DecodingError`.
    public func read<T: Decodable>(_ type: T.Type, from digest: Digest) throws -> T {
        try CanonicalJSON.decode(type, from: try read(digest))
    }

    /// A blob's length in bytes.
    ///
    /// - Throws: `missing-blob`.
    public func size(of digest: Digest) throws -> Int64 {
        guard let size = fileSize(path(of: digest)) else { throw IbidError.missingBlob(digest) }
        return size
    }

    /// Reads a blob through and compares it with its name.
    ///
    /// - Throws: `missing-blob` or `corrupt-blob`.
    public func verify(_ digest: Digest) throws {
        guard contains(digest) else { throw IbidError.missingBlob(digest) }
        var hasher = SHA256Hasher()
        try forEachChunk(of: path(of: digest)) { hasher.update($0) }
        let got = hasher.finish()
        guard got == digest else { throw IbidError.corruptBlob(digest, got: got) }
    }

    /// The digests of all blobs, sorted; files with other names are not blobs.
    public func digests() throws -> [Digest] {
        try names(in: blobs).compactMap { Digest(hex: $0) }.sorted()
    }

    /// Reads every blob through; returns each whose bytes do not hash to its name.
    public func verifyAll() throws -> [VerificationProblem] {
        var problems: [VerificationProblem] = []
        for digest in try digests() {
            do {
                try verify(digest)
            } catch let error as IbidError {
                problems.append(
                    VerificationProblem(what: "blob \(digest)", got: error.message, want: "bytes that hash to its name")
                )
            }
        }
        return problems
    }

    /// Removes a blob. Only the collector calls this; nothing else knows what is reachable.
    public func remove(_ digest: Digest) throws {
        guard unlink(path(of: digest).string) == 0 || errno == ENOENT else {
            throw IbidError.system("remove", path(of: digest).string, lastError())
        }
    }

    /// Brings a blob that was written without `durable` to disk, and its name.
    ///
    /// - Throws: `missing-blob`.
    public func flush(_ digest: Digest) throws {
        let descriptor = Glibc.open(path(of: digest).string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw IbidError.missingBlob(digest) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw IbidError.system("flush", "blob \(digest)", lastError()) }
        try syncDirectory(blobs)
    }

    /// Brings everything that was written without `durable` to disk, in one call.
    public func flush() throws {
        let descriptor = try FileDescriptor.open(blobs, .readOnly)
        defer { try? descriptor.close() }
        let result = cl_syncfs(descriptor.rawValue)
        guard result == 0 else { throw IbidError.system("flush", root.string, errorText(result)) }
    }

    // A blob of the right name and the wrong length is what a power failure leaves; it must be written again.
    func hasBlob(_ digest: Digest, size: Int64) throws -> Bool {
        var status = stat()
        return stat(name(of: digest), &status) == 0 && Int64(status.st_size) == size
    }

    // As `path(of:)`, for what is asked for each of very many outputs.
    func name(of digest: Digest) -> String { blobsText + "/" + digest.hex }

    // MARK: Images

    /// The manifest a digest names.
    public func manifest(_ digest: Digest) throws -> OCI.Manifest { try read(digest, known: known.manifests) }

    /// A manifest's configuration.
    public func imageConfig(_ manifest: OCI.Manifest) throws -> OCI.ImageConfig {
        try read(manifest.config.digest, known: known.configs)
    }

    private func read<T: Decodable & Sendable>(_ digest: Digest, known: borrowing Mutex<[Digest: T]>) throws -> T {
        let bytes = try read(digest)
        if let value = known.withLock({ $0[digest] }) { return value }
        let value = try CanonicalJSON.decode(T.self, from: bytes)
        known.withLock { $0[digest] = value }
        return value
    }

    /// Stores configuration and manifest of an image whose layers are in the store already.
    public func putImage(config: OCI.ImageConfig, layers: [OCI.Descriptor]) throws -> OCI.Descriptor {
        let configBytes = try CanonicalJSON.encode(config)
        let configDescriptor = OCI.Descriptor(
            mediaType: OCI.MediaType.config, digest: try put(configBytes), size: Int64(configBytes.count))
        let bytes = try CanonicalJSON.encode(OCI.Manifest(config: configDescriptor, layers: layers))
        return OCI.Descriptor(mediaType: OCI.MediaType.manifest, digest: try put(bytes), size: Int64(bytes.count))
    }
}
