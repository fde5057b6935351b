import IbidCrypto
import IbidExport
import IbidLedger
import IbidModel

/// Accounts for every file of an archive: each is named by a statement, written again from the record, or one of those
/// that an export derives; a file that nobody would look at has no place among evidence.
struct ArchiveAccount {
    private let archive: ArchiveReader
    private let list: JSONValue?
    private(set) var problems: [VerificationProblem] = []

    /// - Parameter list: `files.json`.
    init(_ archive: ArchiveReader, list: JSONValue?) { (self.archive, self.list) = (archive, list) }

    private static let derived: Set<String> = [
        "record.json", "files.json", "index.html", "ro-crate-metadata.json", "prov/prov.json", "sbom/bom.cdx.json",
        "rerun/run.sh", "rerun/outputs.txt", "attest/outputs.oms.sigstore.json", "source/commit.sig",
        "source/commit.payload",
    ]

    /// - Parameter derived: the files that were compared with the record.
    mutating func checkFiles(derived: Set<String>) {
        let members = ["documents": ["file", "name"], "outputs": ["file", "path"]]
        if Set(list?.object?.keys.map(\.self) ?? []) != ["documents", "outputs", "run", "schema"] {
            add("files.json", got: "unknown or missing members", want: "documents, outputs, run, schema")
        }
        var known = Self.derived.union(derived)
        for (kind, wanted) in members {
            for item in list?[kind]?.array ?? [] {
                if item.object?.keys.sorted() != wanted {
                    add("files.json, \(kind)", got: "unknown or missing members", want: "\(wanted)")
                }
                if let file = item["file"]?.string { known.insert(file) }
            }
        }
        for file in archive.paths(below: "") where !known.contains(file) {
            if file.hasPrefix("oci/") || file.hasPrefix("rerun/profile/") { continue }
            add(file, got: "in the archive", want: "no file that belongs to nothing")
        }
    }

    /// The bundle that Model Signing reads: over the very files that are in `outputs`, by the key of the statements.
    mutating func checkModelSignature(_ record: AuditRecord) throws {
        let name = "attest/outputs.oms.sigstore.json"
        guard let bytes = try archive.read(name) else { return }
        let bundle = try CanonicalJSON.parse(bytes)
        let outputs = archive.paths(below: "outputs/").compactMap { file in
            archive.digest(file).map { (String(file.dropFirst("outputs/".count)), $0) }
        }
        guard let envelope = bundle["dsseEnvelope"].flatMap({ Envelope(json: $0) }),
            envelope.isSigned(by: record.attestorKey), let statement = OutputsStatement.make(outputs),
            envelope.payloadType == Statement.payloadType, envelope.payload == statement.canonicalBytes,
            CanonicalJSON.bytes(
                SigstoreBundle.document(envelope: envelope.json, attestorPEM: record.attestorKey.pem)) == bytes
        else { return add(name, got: "not over these outputs, or of another key", want: "over them, by the key") }
    }

    private mutating func add(_ what: String, got: String, want: String) {
        problems.append(VerificationProblem(what: what, got: got, want: want))
    }
}
