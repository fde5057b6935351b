public import IbidCrypto
public import IbidModel
import IbidStore

/// What is kept of an archive that was taken in, so that the very same can be handed on: every file by digest, and the
/// exporter's signature, which nobody here could make.
public struct KeptArchive: Hashable, Sendable, Codable {
    /// The version of the document's form.
    public static let currentSchema = "ibid.kept-archive.v1"

    /// A file below `data/`.
    public struct File: Hashable, Sendable, Codable {
        /// The path.
        public var path: String
        /// The bytes, in the store.
        public var digest: Digest
        /// Their number.
        public var size: Int64
        /// Whether it is a program.
        public var executable: Bool
    }

    /// Always `currentSchema`.
    public var schema: String
    /// The files, sorted.
    public var files: [File]
    /// `bag-info.txt`.
    public var info: String
    /// The exporter's signature over the tag manifest, in base 64.
    public var signature: String

    /// - Parameter archive: one that was verified.
    public init(_ archive: ArchiveReader) throws {
        schema = Self.currentSchema
        files = archive.paths(below: "").compactMap { path in
            archive.member("data/" + path).map {
                // What Ibid writes has one program, and modes are no part of a bag.
                File(path: path, digest: $0.digest, size: $0.size, executable: path == "rerun/run.sh")
            }
        }
        info = String(decoding: try archive.bytes("bag-info.txt") ?? [], as: UTF8.self)
        signature = Base64.encode(try archive.bytes(ArchiveWriter.signatureName) ?? [])
    }

    /// The files as an archive has them.
    public var archiveFiles: [ArchiveFile] {
        files.map { file in
            var found = ArchiveFile(file.path, blob: file.digest, size: file.size)
            found.executable = file.executable
            return found
        }
    }

    /// The lines of `bag-info.txt` that are not computed from the files.
    public var infoLines: [(String, String)] {
        info.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: ": ", maxSplits: 1)
            guard parts.count == 2, parts[0] != "Payload-Oxum" else { return nil }
            return (String(parts[0]), String(parts[1]))
        }
    }

    /// The signature, once more, when it is over these bytes.
    ///
    /// - Throws: `archive-not-kept` when it is not: the archive was not written as Ibid writes them.
    public func signature(over bytes: [UInt8], by key: P256.PublicKey) throws -> [UInt8] {
        guard let kept = Base64.decode(signature), key.isValid(kept, for: bytes) else {
            throw IbidError(
                "archive-not-kept",
                "the archive that the run came in cannot be written again as its exporter signed it",
                hint: "hand on the archive itself")
        }
        return kept
    }
}
