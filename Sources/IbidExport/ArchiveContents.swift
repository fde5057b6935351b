import IbidCrypto
import IbidLayer
import IbidMerkle
public import IbidModel
public import IbidStore

/// Which parts of a run go into its archive.
public struct ArchiveOptions: Hashable, Sendable {
    /// The image, and source and inputs of any size, so that the run can be done again elsewhere without a network.
    public var withImage = false
    /// The largest source tree, and the largest input, that is enclosed without being asked for, in bytes.
    public var largestPart: Int64 = 64 << 20

    /// The defaults.
    public init() {}
}

/// Puts together the files of an archive. audit/LEDGER.md describes them.
public struct ArchiveContents {
    /// The version of the list of files.
    public static let schema = "ibid.archive.v1"

    let evidence: RunEvidence
    let store: Store
    let options: ArchiveOptions
    /// Signs the statement about the outputs; the same statement gets the same envelope.
    let attest: (Statement) throws -> JSONValue

    /// - Parameter attest: gives the DSSE envelope of a statement, signed by the exporter.
    public init(
        _ evidence: RunEvidence, store: Store, options: ArchiveOptions,
        attest: @escaping (Statement) throws -> JSONValue
    ) {
        self.evidence = evidence
        self.store = store
        self.options = options
        self.attest = attest
    }

    /// Every file of the payload.
    ///
    /// - Throws: `missing-blob`, `corrupt-blob`, or what signing throws.
    public func files() throws -> [ArchiveFile] {
        let outputs = ArchiveNames.outputs(evidence.result.outputs)
        var files: [ArchiveFile] = zip(evidence.result.outputs, outputs).map {
            ArchiveFile($1, blob: $0.digest, size: $0.size)
        }
        var documents: [Named] = []
        for (name, digest) in [("stdout", evidence.result.stdout), ("stderr", evidence.result.stderr)] {
            let file = ArchiveFile("logs/\(name).txt", blob: digest, size: try store.size(of: digest))
            documents.append(Named(file, "logs/\(name).txt"))
        }
        for document in evidence.documents {
            let place = document.name == "Dockerfile" ? "rerun/" : "run/"
            documents.append(Named(ArchiveFile(place + document.name, document.bytes), document.name))
        }
        try addSource(&files, &documents)
        let inputs = try addInputs(&documents)
        files += documents.map(\.file) + signedFiles()
        if let envelope = try OutputsStatement.make(
            zip(evidence.result.outputs, outputs).map { (String($1.dropFirst(8)), $0.digest) }
        ).map(attest) {
            let bundle = SigstoreBundle.document(envelope: envelope, attestorPEM: evidence.attestorPEM)
            files.append(ArchiveFile("attest/outputs.oms.sigstore.json", CanonicalJSON.bytes(bundle)))
        }
        if evidence.inventory != nil {
            files.append(ArchiveFile("sbom/bom.cdx.json", CanonicalJSON.bytes(CycloneDX.document(evidence))))
        }
        files.append(ArchiveFile("prov/prov.json", CanonicalJSON.bytes(ProvenanceDocument.document(evidence))))
        let script = RerunScript(evidence: evidence, inputs: inputs)
        files.append(ArchiveFile("rerun/run.sh", script.text, executable: true))
        files.append(ArchiveFile("rerun/outputs.txt", script.outputList))
        files += evidence.profileFiles.map { ArchiveFile("rerun/profile/" + RerunScript.fileName($0), $1) }
        if options.withImage { files += try imageFiles() }
        files.append(ArchiveFile("files.json", CanonicalJSON.bytes(list(outputs, documents))))
        files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let page = try Page(evidence: evidence, store: store, outputs: outputs, files: files).text()
        files.append(ArchiveFile("index.html", page))
        let crate = ResearchCrate(evidence: evidence, files: files, outputs: outputs)
        files.append(ArchiveFile("ro-crate-metadata.json", CanonicalJSON.bytes(crate.document)))
        return files
    }

    /// The lines of `bag-info.txt`.
    public var info: [(String, String)] {
        [
            ("Bag-Software-Agent", "ibid"),
            ("Bagging-Date", String(evidence.finishedAt.description.prefix(10))),
            ("External-Identifier", "urn:ibid:run:\(evidence.run)"),
            ("External-Description", "the audit record of one run; read data/index.html"),
        ]
    }

    // MARK: Parts

    private func addSource(_ files: inout [ArchiveFile], _ documents: inout [Named]) throws {
        let source = evidence.source
        guard options.withImage || source.layerSize <= options.largestPart else { return }
        let tree = ArchiveFile("source/tree.tar", blob: source.layer, size: try store.size(of: source.layer))
        let proof = ArchiveFile("source/proof.tar", blob: source.proof, size: try store.size(of: source.proof))
        documents += [Named(tree, "source"), Named(proof, "source-proof")]
        try store.verify(source.proof)
        let objects = try SourceProof.objects(TarReader(file: store.path(of: source.proof)))
        guard let commit = objects[source.commit.hex]?.content, let signature = CommitSignature(commit: commit) else {
            return
        }
        // For gpg and ssh-keygen, which want the text and the signature apart.
        files.append(ArchiveFile("source/commit.payload", signature.payload))
        files.append(ArchiveFile("source/commit.sig", signature.signature))
    }

    private func addInputs(_ documents: inout [Named]) throws -> [String: String] {
        var places: [String: String] = [:]
        for (name, input) in evidence.spec.inputs where options.withImage || input.size <= options.largestPart {
            let path = "inputs/" + ArchiveNames.safe(name) + (input.kind == .directory ? ".tar" : "")
            places[name] = path
            let file = ArchiveFile(path, blob: input.digest, size: try store.size(of: input.digest))
            documents.append(Named(file, "inputs/" + name))
        }
        guard Set(places.values).count == places.count else {
            throw IbidError("input-names", "two inputs would have the same name in an archive")
        }
        return places
    }

    /// What is derived from the record alone: statements, proofs, checkpoint and keys, each for its own verifier.
    private func signedFiles() -> [ArchiveFile] {
        var files = [
            ArchiveFile("record.json", evidence.record),
            ArchiveFile("keys/attestor.pub.pem", evidence.attestorPEM),
            ArchiveFile("keys/ledger.pub.pem", evidence.ledgerKey.key.pem),
            ArchiveFile("keys/ledger.vkey", evidence.ledgerKey.vkey + "\n"),
            ArchiveFile("ledger/checkpoint", evidence.checkpoint.description),
            ArchiveFile("ledger/policy", "log \(evidence.ledgerKey.vkey)\nquorum none\n"),
            ArchiveFile("ledger/checkpoint.\(evidence.consistency.oldSize)", evidence.formerCheckpoint.description),
            ArchiveFile("ledger/consistency", evidence.consistency.body(leadingTo: evidence.checkpoint)),
        ]
        for (word, consistency) in evidence.outside {
            files += [
                ArchiveFile(word.kind.files.checkpoint, word.note.description),
                ArchiveFile(word.kind.files.consistency, consistency.body(leadingTo: evidence.checkpoint)),
                ArchiveFile(word.kind.files.word, word.word),
            ]
        }
        for item in evidence.attestations {
            files += [
                ArchiveFile("attest/\(item.name).intoto.json", CanonicalJSON.bytes(item.envelope)),
                ArchiveFile("attest/\(item.name).pae", item.signed),
                ArchiveFile("attest/\(item.name).sig", item.signature),
                ArchiveFile("ledger/\(item.name).tlog-proof", item.proof.description),
                ArchiveFile(item.name == "run" ? "ledger/leaf.json" : "ledger/\(item.name).leaf.json", item.leaf),
            ]
        }
        if let run = evidence.outcome {
            let bundle = SigstoreBundle.document(
                of: run, attestorPEM: evidence.attestorPEM, checkpoint: evidence.checkpoint,
                ledgerKey: evidence.ledgerKey)
            files.append(ArchiveFile("attest/run.sigstore.json", CanonicalJSON.bytes(bundle)))
        }
        return files
    }

    /// The image as an OCI layout that `docker load` and `podman load` read as well.
    private func imageFiles() throws -> [ArchiveFile] {
        let digest = evidence.spec.image
        let manifest = try store.manifest(digest)
        let name = "localhost/ibid-run:\(evidence.run)"
        func blob(_ digest: Digest) throws -> ArchiveFile {
            ArchiveFile("oci/blobs/sha256/\(digest.hex)", blob: digest, size: try store.size(of: digest))
        }
        var descriptor = OCI.Descriptor(
            mediaType: OCI.MediaType.manifest, digest: digest, size: try store.size(of: digest))
        descriptor.annotations = ["org.opencontainers.image.ref.name": evidence.run.text]
        let legacy: JSONValue = [
            [
                "Config": .string("blobs/sha256/" + manifest.config.digest.hex), "RepoTags": [.string(name)],
                "Layers": .array(manifest.layers.map { .string("blobs/sha256/" + $0.digest.hex) }),
            ]
        ]
        let blobs = Set([digest, manifest.config.digest] + manifest.layers.map(\.digest)).sorted()
        return try [
            ArchiveFile("oci/oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#),
            ArchiveFile("oci/index.json", try CanonicalJSON.encode(OCI.Index(manifests: [descriptor]))),
            ArchiveFile("oci/manifest.json", CanonicalJSON.bytes(legacy)),
        ] + blobs.map(blob)
    }

    private func list(_ outputs: [String], _ documents: [Named]) -> JSONValue {
        [
            "schema": .string(Self.schema), "run": .string(evidence.run.text),
            "outputs": .array(
                zip(evidence.result.outputs, outputs).map { ["path": .string($0.path), "file": .string($1)] }),
            "documents": .array(
                documents.sorted { $0.file.path < $1.file.path }.map {
                    ["file": .string($0.file.path), "name": .string($0.name)]
                }),
        ]
    }
}

/// A file, and the name under which the outcome's statement knows its bytes.
private struct Named {
    var file: ArchiveFile
    var name: String

    init(_ file: ArchiveFile, _ name: String) {
        self.file = file
        self.name = name
    }
}
