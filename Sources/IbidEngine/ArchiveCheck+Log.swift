import IbidCrypto
import IbidExport
import IbidLedger
import IbidMerkle
import IbidModel
import SystemPackage

/// The log over time: what it was when the run ended, what others saw of it, what it is now.
extension ArchiveCheck {
    /// Returns the files that it looked at.
    mutating func verifyConsistency(_ record: AuditRecord) throws -> [String] {
        let name = "ledger/consistency"
        guard let text = try self.text(name) else {
            report.add(name, got: "missing", want: "a consistency proof")
            return []
        }
        let size = text.prefix { $0 != "\n" }.dropFirst(4)
        let files = [name, "ledger/checkpoint.\(size)"]
        guard let former = try self.former(files[1], by: name, record), "\(former.size)" == size else { return files }
        let newest = try Checkpoint(text: record.checkpoint.text)
        report.proved.append("the log only grew from \(former.size) entries, when the run ended, to \(newest.size)")
        return files
    }

    /// Time stamp and cosignature, when they are enclosed. Returns the files that it looked at.
    mutating func verifyOutside(_ record: AuditRecord) throws -> [String] {
        var looked: [String] = []
        for kind in OutsideWord.Kind.allCases {
            let files = kind.files
            guard !archive.paths(below: "ledger/\(kind.rawValue)/").isEmpty else {
                if kind == .stamped, !authorities.isEmpty {
                    report.add("the time stamp", got: "not enclosed", want: "one of an authority that was given")
                }
                continue
            }
            looked += [files.checkpoint, files.consistency, files.word]
            guard let seen = try self.former(files.checkpoint, by: files.consistency, record),
                let word = try archive.read(files.word, limit: 1 << 20), let text = try self.text(files.checkpoint)
            else {
                if archive.digest(files.word) == nil { report.add(files.word, got: "missing", want: "what came back") }
                continue
            }
            guard let outcome = record.entries.last(where: { $0.role == .outcome }), seen.size > outcome.leafIndex
            else {
                report.add(files.checkpoint, got: "over \(seen.size) entries", want: "the outcome among them")
                continue
            }
            switch kind {
            case .stamped: judge(stamp: word, over: Array(text.utf8), seen)
            case .witnessed: judge(cosigned: try SignedNote(parsing: text), by: word, seen)
            }
        }
        return looked
    }

    private mutating func judge(stamp: [UInt8], over bytes: [UInt8], _ seen: Checkpoint) {
        let file = OutsideWord.Kind.stamped.files.word
        do {
            let said = try TimestampToken(verifying: stamp, over: bytes, authorities: nil)
            if authorities.isEmpty {
                return report.notProved.append(
                    "that the outcome was in the log at \(said.time): \(file) says so, and who made it is not judged; give "
                        + "the authority's certificate with --tsa-ca")
            }
        } catch {
            return report.add(file, got: (error as? IbidError)?.message ?? "\(error)", want: "a time stamp over it")
        }
        var refusal = ""
        for authority in authorities {
            do {
                let token = try TimestampToken(verifying: stamp, over: bytes, authorities: authority.string)
                return report.proved.append(
                    "time-stamped: an authority of \(authority) saw the first \(seen.size) entries, the outcome among "
                        + "them, at \(token.time)")
            } catch { refusal = (error as? IbidError)?.message ?? "\(error)" }
        }
        report.add(file, got: refusal, want: "one of an authority that was given")
    }

    private mutating func judge(cosigned note: SignedNote, by key: [UInt8], _ seen: Checkpoint) {
        let file = OutsideWord.Kind.witnessed.files.word
        let lines = String(decoding: key, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        do {
            guard lines.count == 2, lines[1].isEmpty else {
                return report.add(file, got: "\(lines.count) lines", want: "one key and a newline")
            }
            let word = try Cosignature(verifying: note, vkey: String(lines[0]))
            report.proved.append(
                "witnessed: \(word.witness) saw the first \(seen.size) entries, the outcome among them, at \(word.time)"
            )
            report.notProved.append(
                "that \(word.witness) is somebody else than the log's owner: compare \(file) with its key as you know it"
            )
        } catch {
            report.add(
                OutsideWord.Kind.witnessed.files.checkpoint, got: (error as? IbidError)?.message ?? "\(error)",
                want: "a valid cosignature")
        }
    }

    /// An older checkpoint, when the record's own continues it; nil, and a problem, otherwise.
    private mutating func former(_ checkpoint: String, by proof: String, _ record: AuditRecord) throws -> Checkpoint? {
        let newest = try Checkpoint(text: record.checkpoint.text)
        if let old = try text(checkpoint), let body = try text(proof) {
            let note = try SignedNote(parsing: old)
            let former = try Checkpoint(text: note.text)
            let growth = ConsistencyProof(body: body, leadingTo: record.checkpoint, size: newest.size)
            if let growth, growth.oldSize == former.size, former.origin == newest.origin,
                note.description == old, note.isSigned(by: record.ledgerKey),
                growth.isValid(oldRoot: former.root, newRoot: newest.root)
            {
                return former
            }
        }
        report.add(
            proof, got: "does not lead from \(checkpoint) to \(newest.size) entries", want: "a valid proof")
        return nil
    }

    private func text(_ file: String) throws -> String? {
        try archive.read(file, limit: 1 << 20).flatMap { String(validating: $0, as: UTF8.self) }
    }
}
