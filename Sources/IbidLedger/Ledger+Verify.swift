import IbidCrypto
import IbidMerkle
public import IbidModel
public import SystemPackage

extension Ledger {
    /// Recomputes everything from bytes and names whatever is wrong; see `audit/LEDGER.md` for what can be wrong
    /// without showing.
    ///
    /// - Parameter pinned: keys that the caller trusts; none, and the ledger is only held against itself.
    public func verify(pinned: PinnedKeys = .none, options: VerifyOptions = VerifyOptions()) -> VerificationReport {
        var report = VerificationReport()
        do {
            let (receipt, doubt) = try heldReceipt(options)
            var verified = try verify(pinned, options, receipt)
            if !verified.report.ok, verified.reliesOnReceipt {
                // What is wrong is said by a verification in full.
                var options = options
                options.allSignatures = true
                verified = try verify(pinned, options, receipt)
            }
            report = verified.report
            if let doubt { report.notProved.append(doubt) }
            // Nothing is asked of tables that are not a ledger's.
            if verified.isLedger, let keysDirectory {
                try verifyReleased(keysDirectory, &report)
                try verifyAnchors(keysDirectory, options.timestampAuthorities, &report)
                if report.ok, let receipt = verified.receipt { keep(receipt, in: keysDirectory, &report) }
            }
        } catch let error as IbidError {
            report.add("the ledger \(path)", got: error.message, want: "readable")
        } catch {
            report.add("the ledger \(path)", got: "\(error)", want: "readable")
        }
        return report
    }

    private struct Verified {
        var report: VerificationReport
        var isLedger: Bool
        var reliesOnReceipt: Bool
        /// What to keep of it.
        var receipt: VerificationReceipt?
    }

    private func verify(_ pinned: PinnedKeys, _ options: VerifyOptions, _ receipt: HeldReceipt?) throws -> Verified {
        try read { db in
            var verifier = LedgerVerifier(db, pinned: pinned, options: options, held: receipt)
            let report = verifier.run()
            return Verified(
                report: report, isLedger: verifier.isLedger, reliesOnReceipt: verifier.reliesOnReceipt,
                receipt: options.receiptAt.flatMap { verifier.newReceipt(at: $0) })
        }
    }

    // A receipt that cannot be read is none, and every signature is verified.
    private func heldReceipt(_ options: VerifyOptions) throws -> (HeldReceipt?, doubt: String?) {
        guard let keysDirectory, options.receiptAt != nil else { return (nil, nil) }
        do { return (try HeldReceipt.read(in: keysDirectory), nil) } catch let error as IbidError {
            let path = VerificationReceipt.path(in: keysDirectory)
            return (
                nil, "what was verified before: \(path) is damaged (\(error.message)), so all of it was verified now"
            )
        }
    }

    private func keep(_ receipt: VerificationReceipt, in keys: FilePath, _ report: inout VerificationReport) {
        do { try receipt.write(in: keys, try signer(keys)) } catch {
            let why = (error as? IbidError)?.message ?? "\(error)"
            report.notProved.append(
                "anything to go on from next time: \(VerificationReceipt.path(in: keys)) cannot be written (\(why))")
        }
    }

    /// Verifies a file without writing to it, whatever is wrong with it.
    public static func verify(
        file path: FilePath, pinned: PinnedKeys = .none, options: VerifyOptions = VerifyOptions()
    ) -> VerificationReport {
        do { return try openReadOnly(at: path).verify(pinned: pinned, options: options) } catch {
            var report = VerificationReport()
            report.add("the ledger \(path)", got: (error as? IbidError)?.message ?? "\(error)", want: "readable")
            return report
        }
    }

    /// Makes the derived tables again from the statements.
    ///
    /// - Throws: `ledger-damaged`, `system`.
    public func rebuildIndex() throws {
        guard let writer else { throw IbidError.system("rebuild", path.string, "it was opened for reading") }
        try LedgerDatabase.translating(path) {
            try writer.write { db in
                try Projection.rebuild(db)
                while try TermIndex.extend(db) > 0 {}
                try NodeCache.rebuild(db)
            }
        }
    }

    private func verifyAnchors(
        _ keys: FilePath, _ authorities: [FilePath], _ report: inout VerificationReport
    ) throws {
        let (anchors, key) = (Anchors(keys: keys), try read { try LedgerIdentity($0) }.ledgerKey)
        for (place, note) in try anchors.notes() {
            let checkpoint = try Checkpoint(text: note.text)
            guard note.isSigned(by: key), checkpoint.origin == key.name.text else {
                report.add("the checkpoint at \(place)", got: "of another log or key", want: "of this ledger")
                continue
            }
            let isOutside = place.removingLastComponent() != anchors.directory
            do {
                _ = try consistencyProof(since: note)
                if isOutside {
                    report.proved.append("anchored: the first \(checkpoint.size) entries are those of \(place)")
                }
            } catch let error as IbidError {
                report.add("the checkpoint at \(place)", got: error.message, want: "the start of this ledger")
            }
            if isOutside { continue }
            try verifyCosignature(anchors, checkpoint.size, &report)
            try verifyTimestamp(anchors, checkpoint.size, over: note, authorities, &report)
        }
    }

    private func verifyTimestamp(
        _ anchors: Anchors, _ size: Int64, over note: SignedNote, _ authorities: [FilePath],
        _ report: inout VerificationReport
    ) throws {
        guard let stamp = try anchors.timestamp(size) else { return }
        if authorities.isEmpty {
            return report.notProved.append(
                "when the checkpoint over \(size) entries was made: \(anchors.path(size, "tsr")) is a time stamp; give the "
                    + "authority's certificate with --tsa-ca")
        }
        var refusal = ""
        for authority in authorities {
            do {
                let token = try TimestampToken(
                    verifying: stamp, over: Array(note.description.utf8), authorities: authority.string)
                return report.proved.append(
                    "time-stamped: an authority of \(authority) saw the first \(size) entries at \(token.time)")
            } catch let error as IbidError { refusal = error.message }
        }
        report.add("the time stamp over \(size) entries", got: refusal, want: "one of an authority that was given")
    }

    private func verifyCosignature(_ anchors: Anchors, _ size: Int64, _ report: inout VerificationReport) throws {
        guard case .text(let text) = try SmallFile.read(anchors.path(size, "cosigned")),
            case .text(let vkey) = try SmallFile.read(anchors.path(size, "witness"))
        else { return }
        do {
            let word = try Cosignature(
                verifying: try SignedNote(parsing: text), vkey: vkey.split(separator: "\n").first.map(String.init) ?? ""
            )
            report.proved.append("witnessed: \(word.witness) saw \(size) entries at \(word.time)")
        } catch let error as IbidError {
            report.add("the cosignature over \(size) entries", got: error.message, want: "valid")
        }
    }

    private func verifyReleased(_ keys: FilePath, _ report: inout VerificationReport) throws {
        let released: Checkpoint?
        do { released = try ReleasedCheckpoint.read(in: keys) } catch {
            let path = ReleasedCheckpoint.path(in: keys)
            return report.notProved.append("that no older copy was put back: \(path) is damaged")
        }
        guard let released, released.origin == (try? origin()) else { return }
        let size = try size()
        if released.size > size {
            report.add(
                "the entries", got: "\(size)",
                want: "at least \(released.size), as in \(ReleasedCheckpoint.path(in: keys))")
        }
    }
}
