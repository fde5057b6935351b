import Glibc
import IbidLayer
import IbidLedger
public import IbidModel
import IbidStore
public import SystemPackage

extension Engine {
    /// Checks a home's ledger from its bytes, also when it is too damaged to be used.
    ///
    /// - Parameters:
    ///   - keys: files of public keys that the caller trusts.
    ///   - since: checkpoints, archives or records that were kept elsewhere: the ledger has to continue them.
    ///   - verified: a checkpoint, archive or record up to which the caller verified all signatures before.
    ///   - timestampAuthorities: files of certificates that time stamps (RFC 3161) are held against.
    ///   - allSignatures: whether those that were verified here before are verified again.
    /// - Throws: `ledger-missing` when the home has none.
    public static func verifyLedger(
        of home: Home, keys: [FilePath] = [], since: [FilePath] = [], verified: FilePath? = nil,
        timestampAuthorities: [FilePath] = [], allSignatures: Bool = false, moment: Moment = .real
    ) throws -> VerificationReport {
        try finishRenewal(of: home)
        guard access(home.ledger.string, F_OK) == 0 else { throw IbidError.ledgerMissing(home.ledger) }
        let pinned = try RecordCheck.pins(keys)
        var options = VerifyOptions()
        options.timestampAuthorities = timestampAuthorities
        options.allSignatures = allSignatures
        options.receiptAt = moment.now()
        options.since = try since.map { try RecordCheck.checkpoint(in: $0) }
        options.verified = try verified.map { try RecordCheck.checkpoint(in: $0) }
        do {
            return try Ledger.open(at: home.ledger, keys: home.keys).verify(pinned: pinned, options: options)
        } catch let error as IbidError {
            var report = Ledger.verify(file: home.ledger, pinned: pinned, options: options)
            report.add("the ledger \(home.ledger)", got: error.message, want: "a ledger that opens")
            return report
        }
    }

    /// Checks the store: every blob against its name, every name of the index, every blob that the ledger names.
    public func verifyStore() throws -> VerificationReport {
        var report = VerificationReport()
        let digests = try store.digests()
        report.problems = try store.verifyAll()
        for (ref, descriptor) in try store.references() where !store.contains(descriptor.digest) {
            report.add("image \(ref)", got: "no manifest \(descriptor.digest)", want: "its manifest in the store")
        }
        let unpacked = try layers.unpacked()
        for layer in unpacked where digests.contains(layer) {
            do {
                report.problems += try layers.verify(layer)
            } catch let error as IbidError {
                // A blob that was altered may be no archive any more; the rest is looked at all the same.
                report.add("unpacked layer \(layer)", got: error.message, want: "as in its blob")
            }
        }
        report.proved.append("\(unpacked.count) unpacked layers were compared with their blobs, file by file")
        var named = 0
        for run in try ledger.runs().map(\.run) {
            for digest in try blobs(of: run, problems: &report) {
                named += 1
                if !store.contains(digest) {
                    report.add("run \(run)", got: "blob \(digest) is missing", want: "every blob that its record names")
                }
            }
        }
        report.proved.append("\(digests.count) blobs were hashed; each is what its name says unless listed")
        report.proved.append("\(named) blobs that the ledger's runs name were looked up")
        report.notProved.append("who wrote the blobs: that is the ledger's part, 'ibid verify --ledger'")
        return report
    }

    /// Every blob that a run's record names.
    private func blobs(of run: RunID, problems: inout VerificationReport) throws -> [Digest] {
        let found: LedgerEntry?
        do { found = try outcomeIfAny(of: run) } catch let error as IbidError {
            // The record of a run that was taken in is a blob, too.
            problems.add("run \(run)", got: error.message, want: "a readable record")
            return []
        }
        guard let outcome = found else { return [] }
        let recorded = RecordedRun(statement: try outcome.readStatement())
        do {
            return try recorded.everything(in: store)
        } catch let error as IbidError {
            // The blob itself is listed already when its bytes are wrong; a missing one is named here.
            problems.add("run \(run)", got: error.message, want: "a readable record")
            return Array(recorded.others.keys)
        }
    }

    /// The audit record of a run: one JSON document that a stranger can check without Ibid.
    public func export(_ run: RunID) throws -> [UInt8] {
        if let taken = try takenIn(run) { return taken.recordBytes }
        let recorded = RecordedRun(statement: try outcome(of: run).readStatement())
        // The documents that say what ran and what came of it; the outputs themselves stay where they are.
        var documents: [Digest: [UInt8]] = [:]
        for digest in [recorded.spec, recorded.result] { documents[digest] = try store.read(digest) }
        return try ledger.record(for: run, documents: documents).encoded
    }
}
