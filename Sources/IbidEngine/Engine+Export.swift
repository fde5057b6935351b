import Glibc
import IbidCrypto
import IbidExport
import IbidLedger
public import IbidModel
import IbidStore
public import SystemPackage

/// How a run is exported.
public struct ExportOptions: Hashable, Sendable {
    /// Whether image and inputs are enclosed, so that the run can be done again elsewhere without a network.
    public var withImage = false
    /// Whether what looks like a secret is let out.
    public var allowSecrets = false

    /// The defaults.
    public init() {}
}

/// What an export wrote.
public struct ExportReport: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// How many files are in the archive.
    public var files: Int
    /// What looks like a secret and was let out: file, line, and what it looks like.
    public var secrets: [String]
}

extension Engine {
    /// Writes the archive of a run: a bag with everything a stranger needs to check it, or to do it again.
    ///
    /// One run and one state of its ledger give one sequence of bytes in one home. A run that was taken in is handed on in
    /// the very archive that it came in: only its exporter can sign another.
    ///
    /// - Parameter sink: where the bytes go. When this throws, what it got is no archive.
    /// - Throws: `archive-not-kept`, `run-unfinished`, `secrets-found`, `missing-blob`, `corrupt-blob`.
    public func exportArchive(
        _ run: RunID, options: ExportOptions, to sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws -> ExportReport {
        if let taken = try takenIn(run) { return try handOn(run, taken, options: options, to: sink) }
        let evidence = try gatherEvidence(of: run)
        var contents = ArchiveOptions()
        contents.withImage = options.withImage
        let archive = ArchiveContents(evidence, store: store, options: contents) { try attest($0).json }
        let files = try archive.files()
        let secrets = try secrets(in: files)
        if !options.allowSecrets, !secrets.isEmpty { throw IbidError.secretsFound(run, secrets) }
        let writer = ArchiveWriter(
            store: store, name: "ibid-\(run)", time: evidence.finishedAt.seconds, sign: { try signature(of: $0) })
        try writer.write(files, info: archive.info, to: sink)
        return ExportReport(run: run, files: files.count, secrets: secrets.map(\.sentence))
    }

    /// The outcome's statement in its DSSE envelope.
    public func exportStatement(_ run: RunID) throws -> [UInt8] {
        CanonicalJSON.bytes(try outcome(of: run).envelope.json) + [0x0a]
    }

    /// The run as a W3C PROV-JSON document.
    public func exportProvenance(_ run: RunID) throws -> [UInt8] {
        if let file = try takenIn(run)?.archive?.files.first(where: { $0.path == "prov/prov.json" }) {
            return try store.read(file.digest) + [0x0a]
        }
        return CanonicalJSON.bytes(ProvenanceDocument.document(try gatherEvidence(of: run))) + [0x0a]
    }

    // MARK: Secrets

    // Layers of the image are left out: what they hold came from package indexes, or from the source.
    func secrets(in files: [ArchiveFile]) throws -> [SecretScan.Find] {
        var scan = SecretScan()
        for file in files where !file.path.hasPrefix("oci/blobs/") {
            switch file.content {
            // The signed documents are searched as what they say, not as base 64.
            case .bytes(let bytes): scan.scan(bytes, file: file.path)
            case .blob(let digest, let size):
                guard store.contains(digest) else { throw IbidError.missingBlob(digest) }
                if file.path == "source/tree.tar" || (file.path.hasPrefix("inputs/") && file.path.hasSuffix(".tar")) {
                    try scan.scan(layer: digest, in: store, file: file.path)
                } else if size <= SecretScan.largestFile {
                    scan.scan(try store.read(digest), file: file.path)
                }
            }
        }
        return scan.finds
    }

    // MARK: Signing

    private func attest(_ statement: Statement) throws -> Envelope {
        let key = try ledger.publicKeys().attestors[0]
        var envelope = Envelope(
            payloadType: Statement.payloadType, payload: statement.canonicalBytes, keyID: key.keyID, signature: [])
        envelope.signature = try signature(of: envelope.preAuthentication)
        return envelope
    }

    // ECDSA signs one text in a different way each time; kept, so that one export is one sequence of bytes.
    private func signature(of bytes: [UInt8]) throws -> [UInt8] {
        let key = try ledger.publicKeys().attestors[0]
        let directory = home.cache.appending("signatures")
        let path = directory.appending(Digest.sha256(of: Array(key.keyID.utf8) + bytes).hex)
        if let kept = try readIfPresent(path), key.isValid(kept, for: bytes) { return P256.lowered(kept) ?? kept }
        let made = try ledger.sign(bytes)
        let signature = P256.lowered(made) ?? made
        try makeDirectories(directory, mode: 0o700)
        try writeAtomically(signature, to: path, durable: false)
        return signature
    }
}

/// A file that is whole or not there.
public struct WholeFile {
    /// Writes a file piece by piece; it gets its name when the body has returned.
    ///
    /// - Returns: what the body gives, and the file's length in bytes.
    public static func write<T>(
        _ path: FilePath, _ body: (@escaping (UnsafeRawBufferPointer) throws -> Void) throws -> T
    ) throws -> (T, Int64) {
        let aside = FilePath("\(path).\(getpid()).partial")
        let descriptor = open(aside.string, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw IbidError.system("write", path.string, lastError()) }
        defer {
            close(descriptor)
            unlink(aside.string)
        }
        let value = try body { bytes in try Self.write(bytes, to: descriptor, path) }
        guard fsync(descriptor) == 0, rename(aside.string, path.string) == 0 else {
            throw IbidError.system("write", path.string, lastError())
        }
        return (value, fileSize(path) ?? 0)
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: FilePath) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw IbidError.system("write", path.string, lastError()) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }
}

extension SecretScan.Find {
    var sentence: String { "\(file), line \(line): \(kind)" }
}

extension IbidError {
    static func secretsFound(_ run: RunID, _ finds: [SecretScan.Find]) -> IbidError {
        let list = finds.prefix(5).map(\.sentence).joined(separator: "; ")
        return IbidError(
            "secrets-found",
            "the archive of run \(run) would hold what looks like secrets: \(list)"
                + (finds.count > 5 ? " and \(finds.count - 5) more" : ""),
            hint: "take them out and run again; if they are none, export with --allow-secrets")
    }
}
