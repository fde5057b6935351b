import ArgumentParser
import IbidEngine
import IbidModel
import SystemPackage

/// `ibid verify`.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check an archive or a record, the ledger, or the store, from their bytes.",
        discussion: """
            Without a file and without flags, the ledger and the store of this home are checked. Exit status 5: something
            is not as it should be; every such thing is listed.
            """)

    @Argument(help: "An exported archive or record.", completion: .file())
    var file: String?
    @Flag(help: "Check the ledger of this home.")
    var ledger = false
    @Flag(help: "Check the store of this home.")
    var store = false
    @Option(
        help: "A public key (PEM) or vkey that you know from elsewhere; without one, the keys in the record are taken.",
        completion: .file())
    var key: [String] = []
    @Option(help: "A directory with the run's outputs, to be compared with the record.", completion: .directory)
    var outputs: String?
    @Option(
        help: "A checkpoint, archive or record that was kept elsewhere: the ledger has to continue it.",
        completion: .file())
    var since: [String] = []
    @Option(
        help: """
            A checkpoint, archive or record from when you verified the ledger in full: up to there its bytes are held \
            against it, and signatures not verified again.
            """,
        completion: .file())
    var verified: String?
    @Flag(
        help: """
            Verify every signature of the ledger again, also those that an earlier verification of this home saw to \
            (keys/ledger.verified).
            """)
    var allSignatures = false
    @Option(
        help:
            "Keys by which the commit's own signature is judged: allowed_signers or public keys (SSH), a keyring (GPG).",
        completion: .file())
    var commitKeys: String?
    @Option(
        help: "A certificate (PEM) of a time stamp authority that you trust, for time stamps of archive or ledger.",
        completion: .file())
    var tsaCa: [String] = []
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if file != nil && (ledger || store) { throw ValidationError("give either a file or --ledger/--store") }
        if file == nil && outputs != nil { throw ValidationError("--outputs belongs to a file") }
        if file == nil && commitKeys != nil { throw ValidationError("--commit-keys belongs to a file") }
        if file != nil && verified != nil { throw ValidationError("--verified is for the ledger") }
        if file != nil && allSignatures { throw ValidationError("--all-signatures is for the ledger") }
        if allSignatures && verified != nil { throw ValidationError("give either --verified or --all-signatures") }
        if store && !ledger && !(key.isEmpty && tsaCa.isEmpty) {
            throw ValidationError("--key and --tsa-ca are for a file or the ledger")
        }
    }

    func run() throws {
        var report = VerificationReport()
        if let file {
            report = try RecordCheck.verify(
                FilePath(file), keys: key.map { FilePath($0) }, outputs: outputs.map { FilePath($0) },
                commitKeys: commitKeys.map { FilePath($0) }, timestampAuthorities: tsaCa.map { FilePath($0) },
                since: since.map { FilePath($0) })
        } else {
            // Who asks about a checkpoint asks about the ledger.
            let ledgerOnly = ledger || !since.isEmpty || !tsaCa.isEmpty || verified != nil || allSignatures
            if ledgerOnly || !store {
                report.merge(
                    try Engine.verifyLedger(
                        of: try CommonOptions.home(), keys: key.map { FilePath($0) }, since: since.map { FilePath($0) },
                        verified: verified.map { FilePath($0) }, timestampAuthorities: tsaCa.map { FilePath($0) },
                        allSignatures: allSignatures))
            }
            if store || !ledgerOnly { report.merge(try common.engine().verifyStore()) }
        }
        if common.json { Terminal.out(ReportJSON.verification(report).text) } else { show(report) }
        if !report.ok { throw ExitCode(IbidError.Exit.verificationFailed.rawValue) }
    }

    private func show(_ report: VerificationReport) {
        for sentence in report.proved { Terminal.out("proved      \(Terminal.safe(sentence))\n") }
        for sentence in report.notProved { Terminal.out("not proved  \(Terminal.safe(sentence))\n") }
        for problem in report.problems {
            Terminal.out(
                Terminal.safe("PROBLEM     \(problem.what): got \(problem.got); want \(problem.want)") + "\n")
        }
        Terminal.out(report.ok ? "verified\n" : "verification failed: \(report.problems.count) problem(s)\n")
    }
}

extension VerificationReport {
    fileprivate mutating func merge(_ other: VerificationReport) {
        proved += other.proved
        notProved += other.notProved
        problems += other.problems
    }
}
