import IbidCrypto
import IbidExport
import IbidLedger
import IbidModel
import IbidStore

extension Engine {
    /// A run that was taken in from another home: its record, and the archive that it came in.
    struct TakenIn {
        var record: AuditRecord
        var recordBytes: [UInt8]
        var archive: KeptArchive?
    }

    /// Nil for a run of this home.
    func takenIn(_ run: RunID) throws -> TakenIn? {
        let entries = try ledger.entries(for: run)
        guard !entries.contains(where: { $0.kind == .run(run) }),
            let statement = try entries.first(where: { $0.kind == .imported(run) })?.readStatement(),
            let digest = statement.subjects.first?.digest
        else { return nil }
        let bytes = try store.read(digest)
        let kept = try statement.dependency("archive").map { try store.read(KeptArchive.self, from: $0) }
        return TakenIn(record: try AuditRecord(decoding: bytes), recordBytes: bytes, archive: kept)
    }

    /// Writes the archive in which a run came once more, byte for byte as its exporter signed it.
    ///
    /// - Throws: `archive-not-kept`, `image-not-kept`, `secrets-found`, `missing-blob`.
    func handOn(
        _ run: RunID, _ taken: TakenIn, options: ExportOptions, to sink: @escaping ArchiveWriter.Sink
    ) throws -> ExportReport {
        guard let kept = taken.archive else {
            throw IbidError(
                "archive-not-kept", "the archive that run \(run) came in was not kept",
                hint: "import it again into a new home, or hand on the archive itself")
        }
        let files = kept.archiveFiles
        if options.withImage, !files.contains(where: { $0.path == "oci/oci-layout" }) {
            throw IbidError(
                "image-not-kept",
                "run \(run) came in an archive without its image, whose exporter alone can sign another",
                hint: "ask for one that was exported with --with-image")
        }
        let secrets = try secrets(in: files)
        if !options.allowSecrets, !secrets.isEmpty { throw IbidError.secretsFound(run, secrets) }
        let finished = try report(for: run).finishedAt
        let writer = ArchiveWriter(
            store: store, name: "ibid-\(run)", time: finished.seconds,
            sign: { try kept.signature(over: $0, by: taken.record.attestorKey) })
        try writer.write(files, info: kept.infoLines, to: sink)
        return ExportReport(run: run, files: files.count, secrets: secrets.map(\.sentence))
    }
}
