import IbidCrypto
public import IbidModel

/// One file of an archive: where it stands below the bag's payload directory, and its bytes.
public struct ArchiveFile: Hashable, Sendable {
    /// Where the bytes are.
    public enum Content: Hashable, Sendable {
        /// Here.
        case bytes([UInt8])
        /// In the store; they are checked against the digest when they are written.
        case blob(Digest, size: Int64)
    }

    /// The path below `data/`.
    public var path: String
    /// The bytes.
    public var content: Content
    /// Whether the file is a program.
    public var executable = false

    /// Makes a file from its bytes.
    public init(_ path: String, _ bytes: [UInt8], executable: Bool = false) {
        self.path = path
        content = .bytes(bytes)
        self.executable = executable
    }

    /// Makes a file from text.
    public init(_ path: String, _ text: String, executable: Bool = false) {
        self.init(path, Array(text.utf8), executable: executable)
    }

    /// Makes a file from a blob.
    public init(_ path: String, blob: Digest, size: Int64) {
        self.path = path
        content = .blob(blob, size: size)
    }

    /// The digest of the bytes.
    public var digest: Digest {
        switch content {
        case .bytes(let bytes): .sha256(of: bytes)
        case .blob(let digest, _): digest
        }
    }

    /// The length in bytes.
    public var size: Int64 {
        switch content {
        case .bytes(let bytes): Int64(bytes.count)
        case .blob(_, let size): size
        }
    }
}
