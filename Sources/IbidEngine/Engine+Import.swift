import IbidCrypto
import IbidExport
import IbidLedger
import IbidMerkle
public import IbidModel
import IbidStore
public import SystemPackage

/// What an import brought into a home.
public struct ImportReport: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// The log that it comes from.
    public var origin: String
    /// Blobs that the store did not have.
    public var newBlobs: Int
    /// Whether the image is there, so that the run can be done again.
    public var canReplay: Bool
    /// Whether the home had the run already; then nothing was entered.
    public var known: Bool
    /// What the archive proves, and what not.
    public var verification: VerificationReport
}

extension Engine {
    /// Takes an archive in: its blobs into the store, and the fact that it was taken in into the ledger. The run then has
    /// its own id here, and can be shown, traced and replayed.
    ///
    /// Nothing is taken from an archive that does not verify.
    ///
    /// - Parameter keys: files of public keys that the caller trusts.
    /// - Throws: `archive-refused` when anything in it is not as it should be; `file-not-found`; `not-an-archive`.
    public func importArchive(_ file: FilePath, keys: [FilePath]) throws -> ImportReport {
        guard fileSize(file) != nil else {
            throw IbidError("file-not-found", "there is no file \(file)", exit: .notFound)
        }
        let archive = try ArchiveReader(file)
        var check = ArchiveCheck(archive, pinned: try RecordCheck.pins(keys))
        guard let content = check.run(), check.report.ok else { throw IbidError.archiveRefused(file, check.report) }
        let record = content.record
        var report = ImportReport(
            run: record.run, origin: record.ledgerKey.name.text, newBlobs: 0, canReplay: false, known: false,
            verification: check.report)
        report.known = try ledger.hasRun(record.run)
        // A run that is here already needs only what it is missing; another is kept with all of its archive.
        for path in archive.paths(below: "") where Self.isBlob(path) || !report.known {
            guard let digest = archive.digest(path), !store.contains(digest) else { continue }
            let writer = try store.writer()
            try archive.forEachChunk(of: path) { try writer.write($0) }
            let got = try writer.finish(durable: false).digest
            guard got == digest else { throw IbidError.corruptBlob(digest, got: got) }
            report.newBlobs += 1
        }
        try store.flush()
        let recorded = RecordedRun(statement: content.outcome)
        report.canReplay =
            try store.contains(content.spec.image)
            && recorded.everything(in: store).allSatisfy { store.contains($0) }
        if report.known { return report }
        if report.canReplay { try tagImage(of: content) }
        let kept = try store.put(record.encoded)
        let whole = try store.put(CanonicalJSON.encode(KeptArchive(archive)))
        _ = try ledger.append(content.statement(record: kept, archive: whole, at: moment.now()))
        return report
    }

    // What the run's record names by digest; the rest of an archive is derived from that.
    private static func isBlob(_ path: String) -> Bool {
        [
            "outputs/", "logs/", "run/", "inputs/", "source/tree.tar", "source/proof.tar", "oci/blobs/",
            "rerun/Dockerfile",
        ]
        .contains { path.hasPrefix($0) }
    }

    private func tagImage(of content: ArchiveCheck.Content) throws {
        let image = content.spec.image
        let descriptor = OCI.Descriptor(
            mediaType: OCI.MediaType.manifest, digest: image, size: try store.size(of: image))
        if try !store.references().contains(where: { $0.descriptor.digest == image }) {
            try store.tag(descriptor, as: "imported/\(content.record.run)")
        }
    }
}

extension ArchiveCheck.Content {
    /// The statement that a run was taken in from elsewhere; it says nothing about whether the run is true.
    fileprivate func statement(record digest: Digest, archive: Digest, at time: Timestamp) -> Statement {
        let outcome = record.entries.last { $0.role == .outcome }
        let payload = Digest.sha256(of: outcome?.envelope.payload ?? [])
        return Statement(
            subjects: [.init(name: "record.json", digest: digest)],
            predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": [
                    "buildType": .string(BuildType.imported),
                    "externalParameters": [
                        "log": .string(record.ledgerKey.name.text), "logKey": .string(record.ledgerKey.vkey),
                        "statementKey": .string(record.attestorKey.keyID),
                        "leafIndex": .int(outcome?.leafIndex ?? 0),
                    ],
                    "resolvedDependencies": [
                        RunFacts.descriptor("statement", payload), RunFacts.descriptor("archive", archive),
                        RunFacts.descriptor("image", spec.image, mediaType: OCI.MediaType.manifest),
                    ],
                ],
                "runDetails": [
                    "builder": [
                        "id": .string(Provenance.builder), "version": ["ibid": .string(IbidVersion.current)],
                    ],
                    "metadata": [
                        "invocationId": .string(record.run.text), "finishedOn": .string(time.description),
                    ],
                ],
            ])
    }
}

extension IbidError {
    static func archiveRefused(_ file: FilePath, _ report: VerificationReport) -> IbidError {
        let first = report.problems.first.map { "\($0.what): got \($0.got); want \($0.want)" } ?? "it has no outcome"
        let more = report.problems.count > 1 ? " (and \(report.problems.count - 1) more)" : ""
        return IbidError(
            "archive-refused", "\(file) does not verify, so nothing was taken from it: \(first)\(more)",
            hint: "see all of it with 'ibid verify \(file)'", exit: .verificationFailed)
    }
}
