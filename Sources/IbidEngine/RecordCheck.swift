import IbidExport
import IbidLedger
import IbidMerkle
public import IbidModel
import IbidStore
public import SystemPackage

/// Checks an exported archive or record; needs no home.
public enum RecordCheck {
    /// - Parameters:
    ///   - keys: files of public keys that the caller trusts; none takes the keys in the file.
    ///   - outputs: a directory with the run's outputs, to be compared with the record.
    ///   - commitKeys: the keys by which the commit's own signature is judged, for an archive.
    ///   - timestampAuthorities: files of certificates by which an enclosed time stamp (RFC 3161) is judged.
    ///   - since: checkpoints, archives or records that were kept elsewhere: the file has to be of the same history.
    /// - Throws: `IbidError` when a file cannot be read; what is wrong with the record is in the report.
    public static func verify(
        _ file: FilePath, keys: [FilePath], outputs: FilePath?, commitKeys: FilePath? = nil,
        timestampAuthorities: [FilePath] = [], since: [FilePath] = []
    ) throws -> VerificationReport {
        if let commitKeys, fileSize(commitKeys) == nil {
            throw IbidError("file-not-found", "there is no key file \(commitKeys)", exit: .notFound)
        }
        let pinned = try pins(keys)
        guard let start = try firstBytes(of: file) else {
            throw IbidError("file-not-found", "there is no file \(file)", exit: .notFound)
        }
        // A directory has no bytes, and is an archive that was unpacked.
        // A record is canonical JSON, so it begins like this; everything else has to be an archive.
        if start.first == UInt8(ascii: "{") {
            if commitKeys != nil {
                throw IbidError("no-commit", "\(file) is a record, which holds no commit", exit: .usage)
            }
            if !timestampAuthorities.isEmpty {
                throw IbidError("no-time-stamp", "\(file) is a record, which holds no time stamp", exit: .usage)
            }
            let bytes = try readIfPresent(file) ?? []
            var report = AuditRecord.verify(bytes, pinned: pinned, outputs: outputs)
            if report.ok {
                try History(AuditRecord(decoding: bytes), former: nil).verify(since: since, into: &report)
            }
            return report
        }
        let archive: ArchiveReader
        do { archive = try ArchiveReader(file) } catch let error as IbidError where error.code == "malformed-archive" {
            var report = VerificationReport()
            report.add("\(file)", got: error.message, want: "an archive or a record that 'ibid export' wrote")
            return report
        }
        var check = ArchiveCheck(
            archive, pinned: pinned, commitKeys: commitKeys, authorities: timestampAuthorities)
        let content = check.run()
        var report = check.report
        if report.ok, let record = content?.record {
            try History(record, former: archive.formerCheckpoint()).verify(since: since, into: &report)
        }
        if let outputs, let record = content?.record {
            let compared = record.verify(pinned: pinned, outputs: outputs)
            report.problems += compared.problems.filter { !report.problems.contains($0) }
            report.proved += compared.proved.filter { !report.proved.contains($0) }
        }
        return report
    }

    /// The checkpoint that a file holds: a checkpoint itself, an archive, or a record.
    static func checkpoint(in file: FilePath) throws -> SignedNote {
        guard let start = try firstBytes(of: file) else {
            throw IbidError("file-not-found", "there is no file \(file)", exit: .notFound)
        }
        if start.first == UInt8(ascii: "{") { return try AuditRecord(decoding: readIfPresent(file) ?? []).checkpoint }
        if let size = fileSize(file), size < 1 << 20, let bytes = try readIfPresent(file),
            let note = try? SignedNote(parsing: String(decoding: bytes, as: UTF8.self))
        {
            return note
        }
        guard let record = try ArchiveReader(file).read("record.json") else {
            throw IbidError("no-checkpoint", "\(file) is no checkpoint, archive or record", exit: .usage)
        }
        return try AuditRecord(decoding: record).checkpoint
    }

    static func pins(_ keys: [FilePath]) throws -> PinnedKeys {
        var pinned = PinnedKeys.none
        for path in keys {
            guard let text = try readIfPresent(path) else {
                throw IbidError("file-not-found", "there is no key file \(path)", exit: .notFound)
            }
            let more = try PinnedKeys(parsing: String(decoding: text, as: UTF8.self))
            pinned.attestors += more.attestors
            pinned.ledgers += more.ledgers
            pinned.anonymousLedgers += more.anonymousLedgers
        }
        return pinned
    }

    private static func firstBytes(of file: FilePath) throws -> [UInt8]? {
        do {
            let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            var bytes = [UInt8](repeating: 0, count: 16)
            let count = try bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }
            return Array(bytes.prefix(count))
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch Errno.isDirectory {
            return []
        } catch let error as Errno {
            throw IbidError.system("read", file.string, error.description)
        }
    }
}
