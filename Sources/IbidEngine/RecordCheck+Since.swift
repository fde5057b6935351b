import IbidExport
import IbidLedger
import IbidMerkle
import IbidModel
import SystemPackage

extension ArchiveReader {
    /// The checkpoint that was released with the run's outcome, which an archive has beside the newest.
    func formerCheckpoint() throws -> SignedNote? {
        guard let name = paths(below: "ledger/checkpoint.").first, let bytes = try read(name, limit: 1 << 20) else {
            return nil
        }
        return try SignedNote(parsing: String(decoding: bytes, as: UTF8.self))
    }
}

extension RecordCheck {
    /// The signed heads that one verified file shows of its log.
    struct History {
        private let record: AuditRecord
        private let heads: [SignedNote]

        init(_ record: AuditRecord, former: SignedNote?) {
            self.record = record
            heads = [record.checkpoint] + (former.map { [$0] } ?? [])
        }

        /// Holds the file against heads that were kept elsewhere. Two heads over the same number of entries have to be the
        /// same; of two others a file alone has no proof.
        ///
        /// - Throws: `since-unproved`.
        func verify(since files: [FilePath], into report: inout VerificationReport) throws {
            for file in files {
                let note = try RecordCheck.checkpoint(in: file)
                let old = try Checkpoint(text: note.text)
                let newest = try Checkpoint(text: record.checkpoint.text)
                guard old.origin == newest.origin, note.isSigned(by: record.ledgerKey) else {
                    report.add(
                        "the checkpoint of \(file)", got: "of another log, or of another key", want: newest.origin)
                    continue
                }
                guard let head = try heads.map({ try Checkpoint(text: $0.text) }).first(where: { $0.size == old.size })
                else {
                    throw IbidError(
                        "since-unproved",
                        "this file shows no proof between \(old.size) entries, as in \(file), and \(newest.size)",
                        hint: "ask who has the ledger for 'ibid verify --since \(file)', or for an export made now")
                }
                if head.root == old.root {
                    report.proved.append("the first \(old.size) entries are those of \(file)")
                } else {
                    report.add(
                        "the log over \(old.size) entries", got: head.root.digest.description,
                        want: "\(old.root.digest), as in \(file): two histories of one log, each signed")
                }
            }
        }
    }
}
