import IbidCrypto
import IbidExport
import IbidLedger
import IbidMerkle
import IbidModel
import IbidStore
import SystemPackage

/// Checks an archive from its bytes alone: bag, record, outputs, documents, source, image.
struct ArchiveCheck {
    let archive: ArchiveReader
    private let pinned: PinnedKeys
    private let commitKeys: FilePath?
    let authorities: [FilePath]
    var report = VerificationReport()
    private var record: AuditRecord?
    private var list: JSONValue?

    /// - Parameters:
    ///   - commitKeys: the keys by which the commit's own signature is judged.
    ///   - authorities: certificates of time stamp authorities that are trusted.
    init(
        _ archive: ArchiveReader, pinned: PinnedKeys, commitKeys: FilePath? = nil, authorities: [FilePath] = []
    ) {
        self.authorities = authorities
        self.archive = archive
        self.pinned = pinned
        self.commitKeys = commitKeys
    }

    /// What an archive is read into, when it is a sound one.
    struct Content {
        var record: AuditRecord
        var outcome: Statement
        var result: RunResult
        var spec: RunSpec
    }

    mutating func run() -> Content? {
        attempt("the record") { try $0.verifyRecord() }
        archive.verifyBag(key: record?.attestorKey, into: &report)
        guard let record, let outcome = record.entries.last(where: { $0.role == .outcome })?.envelope.statement else {
            if record != nil { report.add("the record", got: "no outcome", want: "the run's outcome") }
            return nil
        }
        attempt("the documents") { try $0.verifyDocuments(outcome) }
        guard let content = content(record, outcome) else { return nil }
        attempt("the outputs") { try $0.verifyOutputs(content) }
        attempt("the files made from the record") { try $0.verifyDerived(record) }
        attempt("the source") { try $0.verifySource(content) }
        attempt("the image") { try $0.verifyImage(content) }
        return content
    }

    private mutating func attempt(_ what: String, _ check: (inout ArchiveCheck) throws -> Void) {
        do { try check(&self) } catch {
            report.add(what, got: (error as? IbidError)?.message ?? "\(error)", want: "well formed")
        }
    }

    private mutating func verifyRecord() throws {
        guard let bytes = try archive.read("record.json") else {
            return report.add("record.json", got: "missing", want: "the audit record")
        }
        let record = try AuditRecord(decoding: bytes)
        self.record = record
        let found = record.verify(pinned: pinned)
        report.proved += found.proved
        report.notProved += found.notProved
        report.problems += found.problems
        list = try archive.read("files.json").map { bytes in
            let value = try CanonicalJSON.parse(bytes)
            guard CanonicalJSON.bytes(value) == bytes else {
                throw IbidError("malformed-archive", "files.json is not in canonical form")
            }
            return value
        }
        if list?["schema"]?.string != ArchiveContents.schema || list?["run"]?.string != record.run.text {
            report.add("files.json", got: "of another run or form", want: "\(ArchiveContents.schema), \(record.run)")
        }
        if archive.paths(below: "").isEmpty { report.add("data", got: "empty", want: "the files of the run") }
    }

    // MARK: Documents

    private mutating func verifyDocuments(_ outcome: Statement) throws {
        var listed: Set<String> = []
        for item in list?["documents"]?.array ?? [] {
            guard let file = item["file"]?.string, let name = item["name"]?.string, listed.insert(file).inserted else {
                report.add("files.json", got: "a malformed or doubled document", want: "file and name")
                continue
            }
            guard let want = outcome.digest(named: name) else {
                report.add(file, got: "'\(name)', which no statement names", want: "a document of the run")
                continue
            }
            let got = archive.digest(file)
            if got != want { report.add(file, got: got?.description ?? "missing", want: "\(want)") }
        }
        let needed = ["run/spec.json", "run/result.json", "logs/stdout.txt", "logs/stderr.txt"]
        for file in needed where !listed.contains(file) {
            report.add("files.json", got: "without \(file)", want: "every document of the run")
        }
        for prefix in ["run/", "logs/", "inputs/", "source/"] {
            let free = ["source/commit.payload", "source/commit.sig"]
            for file in archive.paths(below: prefix) where !listed.contains(file) && !free.contains(file) {
                report.add(file, got: "in the archive", want: "no file that no statement names")
            }
        }
        if report.ok { report.proved.append("\(listed.count) enclosed documents are those that the outcome names") }
    }

    private mutating func content(_ record: AuditRecord, _ outcome: Statement) -> Content? {
        do {
            guard let spec = try archive.read("run/spec.json"), let result = try archive.read("run/result.json") else {
                return nil
            }
            return Content(
                record: record, outcome: outcome, result: try CanonicalJSON.decode(RunResult.self, from: result),
                spec: try CanonicalJSON.decode(RunSpec.self, from: spec))
        } catch {
            report.add("run/spec.json and run/result.json", got: "unreadable", want: "as Ibid writes them")
            return nil
        }
    }

    private mutating func verifyOutputs(_ content: Content) throws {
        let before = report.problems.count
        // By bytes: two spellings of one accented letter are two names.
        var files: [[UInt8]: String] = [:]
        for item in list?["outputs"]?.array ?? [] {
            guard let path = item["path"]?.string, let file = item["file"]?.string,
                files.updateValue(file, forKey: Array(path.utf8)) == nil
            else {
                report.add("files.json", got: "a malformed or doubled output", want: "path and file")
                continue
            }
        }
        for output in content.result.outputs {
            let got = files[Array(output.path.utf8)].flatMap { archive.digest($0) }
            if got != output.digest {
                report.add("output \(output.path)", got: got?.description ?? "missing", want: "\(output.digest)")
            }
        }
        for file in Set(archive.paths(below: "outputs/")).subtracting(files.values).sorted() {
            report.add(file, got: "in the archive", want: "no file that the run did not give")
        }
        for path in Set(files.keys).subtracting(content.result.outputs.map { Array($0.path.utf8) }) {
            report.add(
                "output \(String(decoding: path, as: UTF8.self))", got: "listed",
                want: "no output that the run did not give")
        }
        if archive.digest("logs/stdout.txt") != content.result.stdout
            || archive.digest("logs/stderr.txt") != content.result.stderr
        {
            report.add("the logs", got: "other bytes", want: "those of the result")
        }
        if report.problems.count == before {
            report.proved.append("\(content.result.outputs.count) outputs are the run's, and so are its logs")
        }
    }

    // MARK: What is written again from the record

    private mutating func verifyDerived(_ record: AuditRecord) throws {
        var expected = [
            "keys/attestor.pub.pem": Array(record.attestorKey.pem.utf8),
            "keys/ledger.pub.pem": Array(record.ledgerKey.key.pem.utf8),
            "keys/ledger.vkey": Array((record.ledgerKey.vkey + "\n").utf8),
            "ledger/checkpoint": Array(record.checkpoint.description.utf8),
        ]
        if archive.digest("ledger/policy") != nil {
            expected["ledger/policy"] = Array("log \(record.ledgerKey.vkey)\nquorum none\n".utf8)
        }
        for entry in record.entries {
            let item = try RunEvidence.Attestation(entry, in: record)
            if item.name == "run", archive.digest("attest/run.sigstore.json") != nil {
                let bundle = SigstoreBundle.document(
                    of: item, attestorPEM: record.attestorKey.pem, checkpoint: record.checkpoint,
                    ledgerKey: record.ledgerKey)
                expected["attest/run.sigstore.json"] = CanonicalJSON.bytes(bundle)
            }
            expected["attest/\(item.name).intoto.json"] = CanonicalJSON.bytes(item.envelope)
            expected["attest/\(item.name).pae"] = item.signed
            expected["attest/\(item.name).sig"] = item.signature
            expected["ledger/\(item.name).tlog-proof"] = Array(item.proof.description.utf8)
            expected[item.name == "run" ? "ledger/leaf.json" : "ledger/\(item.name).leaf.json"] = item.leaf
        }
        for (file, bytes) in expected.sorted(by: { $0.key < $1.key }) where try archive.read(file) != bytes {
            report.add(file, got: "not what the record says", want: "the same as in record.json")
        }
        let former = try verifyConsistency(record) + verifyOutside(record)
        var account = ArchiveAccount(archive, list: list)
        try account.checkModelSignature(record)
        account.checkFiles(derived: Set(expected.keys).union(former))
        report.problems += account.problems
    }

    // MARK: Source and image

    private mutating func verifySource(_ content: Content) throws {
        guard let snapshot = SourceSnapshot(outcome: content.outcome) else {
            return report.add("the outcome", got: "no snapshot", want: "commit, tree and layer")
        }
        guard var proof = try SourceProof(archive, snapshot: snapshot) else {
            if commitKeys != nil {
                report.add("the commit", got: "not enclosed", want: "one signed by a key of those given")
            }
            return report.notProved.append("that the source is the tree of the commit: it is not enclosed")
        }
        proof.verify(into: &report)
        guard let signature = proof.commit.flatMap({ CommitSignature(commit: $0) }) else {
            if commitKeys != nil {
                report.add("commit \(snapshot.commit)", got: "no signature", want: "one by a key of those given")
            }
            for file in ["source/commit.sig", "source/commit.payload"] where archive.digest(file) != nil {
                report.add(file, got: "in the archive", want: "none, for a commit without a signature")
            }
            return report.notProved.append("who made the commit: it carries no signature")
        }
        if try archive.read("source/commit.payload") != signature.payload
            || archive.read("source/commit.sig") != signature.signature
        {
            report.add("source/commit.sig", got: "not the commit's", want: "the signature in commit \(snapshot.commit)")
        }
        try judge(signature, of: snapshot.commit)
    }

    private mutating func judge(_ signature: CommitSignature, of commit: GitObjectID) throws {
        let what = "whose the commit's \(signature.kind.rawValue) signature is"
        guard let commitKeys else {
            return report.notProved.append(
                "\(what): signed, not judged; give the keys that you know with --commit-keys, or check source/commit.sig "
                    + "over source/commit.payload")
        }
        switch try CommitJudge(keys: commitKeys).judge(signature) {
        case .good(let who): report.proved.append("commit \(commit) is signed: \(who)")
        case .bad(let why): report.add("the signature of commit \(commit)", got: why, want: "by a key of \(commitKeys)")
        case .unable(let why): report.notProved.append("\(what): \(why)")
        }
    }

    private mutating func verifyImage(_ content: Content) throws {
        let digest = content.spec.image
        guard archive.digest("oci/oci-layout") != nil else {
            return report.notProved.append("what is in image \(digest): it is not enclosed")
        }
        func blob(_ digest: Digest) -> String { "oci/blobs/sha256/" + digest.hex }
        var named = [digest]
        if archive.digest(blob(digest)) == digest, let bytes = try archive.read(blob(digest)) {
            let manifest = try CanonicalJSON.decode(OCI.Manifest.self, from: bytes)
            named += [manifest.config.digest] + manifest.layers.map(\.digest)
        }
        let before = report.problems.count
        let index = try archive.read("oci/index.json").map { try CanonicalJSON.decode(OCI.Index.self, from: $0) }
        if index?.manifests.map(\.digest) != [digest] {
            report.add("oci/index.json", got: "another image", want: "\(digest)")
        }
        for digest in named where archive.digest(blob(digest)) != digest {
            report.add(
                "the image's blob \(digest)", got: archive.digest(blob(digest))?.description ?? "missing",
                want: "\(digest)")
        }
        for file in Set(archive.paths(below: "oci/blobs/")).subtracting(named.map(blob)).sorted() {
            report.add(file, got: "in the archive", want: "no blob that the image does not name")
        }
        if report.problems.count == before { report.proved.append("the image enclosed is \(digest), all of it") }
    }
}
