import IbidCrypto
import IbidLayer
import IbidModel
public import IbidStore

/// Writes an archive: a tar of one BagIt 1.0 bag (RFC 8493). One content, one sequence of bytes: nothing of the moment
/// or the machine enters.
public struct ArchiveWriter {
    /// Where the bytes go.
    public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

    /// The signature over the tag manifest, which lists the digest of everything: a tag file of its own.
    public static let signatureName = "tagmanifest-sha256.txt.sig"

    private let store: Store
    private let name: String
    private let time: Int64
    private let sign: ([UInt8]) throws -> [UInt8]

    /// - Parameters:
    ///   - name: the directory that the tar holds.
    ///   - time: the time of all its members, seconds since 1970.
    ///   - sign: gives the DER signature (ECDSA P-256, SHA-256) of the exporter.
    public init(store: Store, name: String, time: Int64, sign: @escaping ([UInt8]) throws -> [UInt8]) {
        self.store = store
        self.name = name
        self.time = time
        self.sign = sign
    }

    /// Writes the bag.
    ///
    /// - Parameter info: the lines of `bag-info.txt`, in order.
    /// - Throws: `missing-blob`, `corrupt-blob`, or what the sink throws. What was written then is not an archive.
    public func write(_ payload: [ArchiveFile], info: [(String, String)], to sink: @escaping Sink) throws {
        let payload = payload.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let oxum = "\(payload.reduce(0) { $0 + $1.size }).\(payload.count)"
        let tags = [
            ArchiveFile("bag-info.txt", (info + [("Payload-Oxum", oxum)]).map { "\($0): \($1)\n" }.joined()),
            ArchiveFile("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
            ArchiveFile("manifest-sha256.txt", payload.map { "\($0.digest.hex)  data/\($0.path)\n" }.joined()),
        ]
        let list = ArchiveFile("tagmanifest-sha256.txt", tags.map { "\($0.digest.hex)  \($0.path)\n" }.joined())
        guard case .bytes(let signed) = list.content else { preconditionFailure("the list is made of bytes") }
        let signature = ArchiveFile(Self.signatureName, try sign(signed))

        var tar = TarWriter(sink)
        var directories: Set<String> = []
        let data = payload.map { file in
            var file = file
            file.path = "data/" + file.path
            return file
        }
        // What says how to read the rest comes first.
        for file in [tags[1], tags[0]] + [tags[2], list, signature] + data {
            let path = name + "/" + file.path
            for index in path.indices where path[index] == "/" {
                let directory = String(path[..<index])
                guard directories.insert(directory).inserted else { continue }
                try tar.add(TarEntry(path: Array(directory.utf8), kind: .directory, mode: 0o755, mtime: time))
            }
            try tar.add(
                TarEntry(
                    path: Array(path.utf8), kind: .file(size: file.size), mode: file.executable ? 0o755 : 0o644,
                    mtime: time))
            try content(of: file, to: &tar)
        }
        try tar.finish()
    }

    private func content(of file: ArchiveFile, to tar: inout TarWriter) throws {
        switch file.content {
        case .bytes(let bytes): try tar.content(bytes)
        case .blob(let digest, let size):
            guard fileSize(store.path(of: digest)) == size else {
                try store.verify(digest)
                throw IbidError.missingBlob(digest)
            }
            var hasher = SHA256Hasher()
            try forEachChunk(of: store.path(of: digest)) { bytes in
                hasher.update(bytes)
                if bytes.count > 0 { try tar.content(bytes) }
            }
            let got = hasher.finish()
            guard got == digest else { throw IbidError.corruptBlob(digest, got: got) }
        }
    }
}
