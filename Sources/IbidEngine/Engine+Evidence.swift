import IbidContainer
import IbidCrypto
import IbidExport
import IbidLedger
import IbidMerkle
import IbidModel
import IbidRuntime
import IbidStore

extension Engine {
    /// Everything that an archive tells of a run.
    ///
    /// - Throws: `run-unfinished`, `missing-blob` when a document of the run is gone.
    func gatherEvidence(of run: RunID) throws -> RunEvidence {
        if try ledger.entries(for: run).contains(where: { $0.kind == .imported(run) }) {
            throw IbidError(
                "run-imported", "run \(run) was taken in from an archive, and its proofs are of another log",
                hint: "hand on the archive that it came in")
        }
        let report = try self.report(for: run)
        let statement = try outcome(of: run).readStatement()
        let recorded = RecordedRun(statement: statement)
        let (spec, result) = (try store.read(recorded.spec), try store.read(recorded.result))
        let found = try ledger.evidence(for: run, documents: [recorded.spec: spec, recorded.result: result])
        var documents = [
            RunEvidence.Document(name: "spec.json", bytes: spec), .init(name: "result.json", bytes: result),
        ]
        for name in ["lock.json", "Dockerfile"] {
            if let digest = statement.dependency(name) {
                documents.append(.init(name: name, bytes: try store.read(digest)))
            }
        }
        let (config, inventory) = try software(of: report.image)
        var facts = report.host.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        facts.append(("wall time", "\(report.wallMicroseconds / 1_000) ms"))
        facts.append(("processor time", "\(report.cpuMicroseconds / 1_000) ms"))
        if let peak = report.peakMemoryBytes { facts.append(("memory", "\(peak) bytes")) }
        let decoded = try CanonicalJSON.decode(RunSpec.self, from: spec)
        return RunEvidence(
            run: run, job: report.job, source: report.source,
            spec: decoded,
            result: try CanonicalJSON.decode(RunResult.self, from: result), startedAt: report.startedAt,
            finishedAt: report.finishedAt, facts: facts, refusedOutputs: report.refusedOutputs,
            attestations: try found.record.entries.map { try RunEvidence.Attestation($0, in: found.record) },
            record: found.record.encoded, checkpoint: found.record.checkpoint, formerCheckpoint: found.former,
            consistency: found.consistency, outside: found.outside, attestorPEM: found.record.attestorKey.pem,
            ledgerKey: found.record.ledgerKey, documents: documents,
            profileFiles: try profileFiles(of: decoded, library: report.host["strict"]), imageConfig: config,
            inventory: inventory,
            verification: found.record.verify())
    }

    // A library of another version would not do what that of the run did.
    private func profileFiles(of spec: RunSpec, library: String?) throws -> [String: [UInt8]] {
        var plain = spec
        plain.environment["LD_PRELOAD"] = nil
        var profile: ProfileFiles
        do { profile = try ProfileFiles(spec: spec, host: containers) } catch let error as IbidError
            where ["profile-unknown", "strict-missing"].contains(error.code)
        {
            profile = try ProfileFiles(spec: plain, host: containers)
        }
        if profile.facts["strict"] != library { profile = try ProfileFiles(spec: plain, host: containers) }
        // What the container's own files say of processors (os.cpu_count() asks there).
        let count = max(1, (spec.limits.cpuMillis + 999) / 1_000)
        var found = ["/sys/devices/system/cpu/online": Array((count == 1 ? "0\n" : "0-\(count - 1)\n").utf8)]
        for file in profile.files { found[file.target] = file.bytes }
        return found
    }

    // An image whose layers were collected is still a fact; its inventory is then left out.
    private func software(of image: Digest) throws -> (OCI.ImageConfig?, SoftwareInventory?) {
        guard store.contains(image) else { return (nil, nil) }
        let manifest = try store.manifest(image)
        let config = store.contains(manifest.config.digest) ? try store.imageConfig(manifest) : nil
        let layers = manifest.layers.map(\.digest)
        guard layers.allSatisfy({ store.contains($0) }) else { return (config, nil) }
        return (config, try SoftwareInventory(layers: layers, in: store))
    }
}

extension RunEvidence.Attestation {
    init(_ entry: AuditRecord.Entry, in record: AuditRecord) throws {
        guard let statement = entry.envelope.statement else { throw IbidError.malformedStatement(entry.leafIndex) }
        let name =
            switch entry.role {
            case .outcome: "run"
            case .replay: "replay-\(entry.leafIndex)"
            case .intent, .image: entry.role.rawValue
            }
        self.init(
            name: name, leafIndex: entry.leafIndex, leaf: entry.leaf,
            proof: TLogProof(leafIndex: entry.leafIndex, path: entry.path, note: record.checkpoint),
            envelope: entry.envelope.json, signed: entry.envelope.preAuthentication,
            signature: entry.envelope.signature, statement: statement)
    }
}

extension Statement {
    /// The digest of what a provenance statement was made from, by name.
    func dependency(_ name: String) -> Digest? {
        (predicate["buildDefinition"]?["resolvedDependencies"]?.array ?? [])
            .last { $0["name"]?.string == name }?["digest"]?["sha256"]?.string.flatMap { Digest(hex: $0) }
    }

    /// The digest of anything that the statement names: a subject, what it was made from, a byproduct.
    func digest(named name: String) -> Digest? {
        if let subject = subjects.first(where: { $0.name == name }) { return subject.digest }
        if let dependency = dependency(name) { return dependency }
        return (predicate["runDetails"]?["byproducts"]?.array ?? [])
            .last { $0["name"]?.string == name }?["digest"]?["sha256"]?.string.flatMap { Digest(hex: $0) }
    }
}
