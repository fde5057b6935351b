import IbidModel

/// The URIs by which Ibid's statements say what they are.
enum Provenance {
    static let intent = "urn:ibid:run-intent:v1"
    static let run = "urn:ibid:run:v1"
    static let image = "urn:ibid:image:v1"
    static let builder = "urn:ibid:builder:v1"
    static let statementMedia = "application/json"

    /// Above this many outputs a statement names the result alone, whose bytes list them all.
    static let largestSubjectList = 1_000
}

/// What the statements about one run have in common.
struct RunFacts: Hashable, Sendable {
    var run: RunID
    var job: String
    var source: SourceSnapshot
    var build: ImageBuild?
    var spec: RunSpec
    var specDigest: Digest
    var image: Digest
    var lock: Digest?
    var recipe: Digest?
    var startedAt: Timestamp
}

extension RunFacts {
    /// The intent: entered before anything runs, so that a run that was never reported shows.
    func intent() -> Statement {
        Statement(
            subjects: [Statement.Subject(name: "spec.json", digest: specDigest)],
            predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": definition(Provenance.intent),
                "runDetails": [
                    "builder": builder([:]),
                    "metadata": [
                        "invocationId": .string(run.text), "startedOn": .string(startedAt.description),
                    ],
                ],
            ])
    }

    /// The outcome: what came of it.
    func outcome(_ result: RunResult, digest: Digest, _ measurement: RunMeasurement) -> Statement {
        var subjects = [Statement.Subject(name: "result.json", digest: digest)]
        if result.outputs.count <= Provenance.largestSubjectList {
            subjects += result.outputs.map { Statement.Subject(name: "outputs/" + $0.path, digest: $0.digest) }
        }
        var ending: [String: JSONValue] = ["status": .string(result.status.rawValue)]
        ending["exitCode"] = result.exitCode.map { .int(Int64($0)) } ?? .null
        ending["reason"] = .optional(result.reason)
        let measured: JSONValue = [
            "wallMicroseconds": .int(measurement.wallMicroseconds),
            "cpuMicroseconds": .int(measurement.cpuMicroseconds),
            "peakMemoryBytes": measurement.peakMemoryBytes.map { .int($0) } ?? .null,
            "writtenBytes": measurement.writtenBytes.map { .int($0) } ?? .null,
            "limitsReached": .array(measurement.limitsReached.map { .string($0) }),
            "refusedOutputs": .strings(measurement.refusedOutputs),
            "strictCost": measurement.strictCost.map { cost in
                [
                    "clock": .int(cost.clock), "random": .int(cost.random), "files": .int(cost.files),
                    "directories": .int(cost.directories), "microseconds": .int(cost.microseconds),
                ]
            } ?? .null,
        ]
        return Statement(
            subjects: subjects, predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": definition(Provenance.run),
                "runDetails": [
                    "builder": builder(measurement.host),
                    "metadata": [
                        "invocationId": .string(run.text), "startedOn": .string(startedAt.description),
                        "finishedOn": .string(measurement.finishedAt.description),
                    ],
                    "byproducts": [
                        Self.descriptor("logs/stdout.txt", result.stdout, annotations: .object(ending)),
                        Self.descriptor("logs/stderr.txt", result.stderr, annotations: measured),
                    ],
                ],
            ])
    }

    private func definition(_ type: String) -> JSONValue {
        var reference = "git+" + (source.origin ?? "file:///")
        reference += "@" + source.commit.hex
        var dependencies: [JSONValue] = [
            [
                "uri": .string(reference),
                "digest": ["gitCommit": .string(source.commit.hex), "gitTree": .string(source.tree.hex)],
            ],
            Self.descriptor("image", image, mediaType: OCI.MediaType.manifest),
            Self.descriptor("source", source.layer, mediaType: OCI.MediaType.layer),
            Self.descriptor("source-proof", source.proof, mediaType: OCI.MediaType.layer),
            Self.descriptor("spec.json", specDigest, mediaType: Provenance.statementMedia),
        ]
        if let lock { dependencies.append(Self.descriptor("lock.json", lock, mediaType: Provenance.statementMedia)) }
        if let recipe { dependencies.append(Self.descriptor("Dockerfile", recipe)) }
        for (name, input) in spec.inputs.sorted(by: { $0.key < $1.key }) {
            dependencies.append(
                Self.descriptor("inputs/" + name, input.digest, annotations: ["kind": .string(input.kind.rawValue)]))
        }
        var externals: [String: JSONValue] = [
            "job": .string(job),
            "source": [
                "uri": .string(source.origin ?? ""), "ref": .string(source.revision),
                "subdirectory": .string(source.subdirectory),
            ],
            "command": .array(spec.command.map { .string($0) }),
            "parameters": .strings(spec.params),
            "inputs": .array(spec.inputs.keys.sorted().map { .string($0) }),
        ]
        // What came in through them is nowhere in the record.
        externals["ports"] = spec.ports.map { .array($0.map { .int(Int64($0)) }) }
        return [
            "buildType": .string(type),
            "externalParameters": .object(externals),
            "internalParameters": [
                "spec": .string(specDigest.description),
                "image": .string(image.description),
                "platform": .string(spec.platform),
                "determinism": .string(spec.determinism.rawValue),
                "cpuLevel": .optional(spec.cpu?.rawValue),
                "snapshot": [
                    "commit": .string(source.commit.hex), "tree": .string(source.tree.hex),
                    "rootTree": .string(source.rootTree.hex), "dirty": .bool(source.dirty),
                    "layer": .string(source.layer.description), "layerSize": .int(source.layerSize),
                    "proof": .string(source.proof.description),
                ],
            ],
            "resolvedDependencies": .array(dependencies),
        ]
    }

    private func builder(_ host: [String: String]) -> JSONValue {
        // Host facts are the builder's version map: they say what machine and runtime made the claim.
        var versions = host
        versions["ibid"] = IbidVersion.current
        return ["id": .string(Provenance.builder), "version": .strings(versions)]
    }

    /// An in-toto ResourceDescriptor.
    static func descriptor(
        _ name: String, _ digest: Digest, mediaType: String? = nil, annotations: JSONValue? = nil
    ) -> JSONValue {
        var members: [String: JSONValue] = ["name": .string(name), "digest": ["sha256": .string(digest.hex)]]
        if let mediaType { members["mediaType"] = .string(mediaType) }
        if let annotations { members["annotations"] = annotations }
        return .object(members)
    }
}
