import IbidModel

extension ImageBuild {
    /// How the image came to be, as SLSA provenance; its first subject is the image manifest.
    ///
    /// - Parameter changes: how it was built, so that it can be built again.
    func statement(
        of snapshot: SourceSnapshot, changes: SubmitRequest.BuildChanges, at time: Timestamp
    ) -> Statement {
        var dependencies: [JSONValue] = [
            [
                "uri": .string("git+\(snapshot.origin ?? "file:///")@\(snapshot.commit.hex)"),
                "digest": ["gitCommit": .string(snapshot.commit.hex), "gitTree": .string(snapshot.tree.hex)],
            ],
            RunFacts.descriptor("source", source, mediaType: OCI.MediaType.layer),
            RunFacts.descriptor("Dockerfile", recipe),
        ]
        if let base { dependencies.append(RunFacts.descriptor("base", base, mediaType: OCI.MediaType.manifest)) }
        if let lock {
            dependencies.append(RunFacts.descriptor("lock.json", lock, mediaType: Provenance.statementMedia))
        }
        let done: [JSONValue] = steps.map { step in
            var done: [String: JSONValue] = [
                "instruction": .string(step.instruction), "layer": .optional(step.layer?.description),
            ]
            if let verdict = step.verdict {
                done["verdict"] = .string(verdict.rawValue)
                done["differences"] = .array((step.differences ?? []).map(\.json))
            }
            return .object(done)
        }
        var internals: [String: JSONValue] = ["steps": .array(done), "sizeBytes": .int(sizeBytes)]
        if let variation {
            internals["verification"] = [
                "varied": .array(variation.varied.map { .string($0) }),
                "notVaried": .array(variation.notVaried.map { .string($0) }),
            ]
        }
        return Statement(
            subjects: [Statement.Subject(name: ref, digest: image)],
            predicateType: Statement.PredicateType.provenance,
            predicate: [
                "buildDefinition": [
                    "buildType": .string(Provenance.image),
                    "externalParameters": [
                        "source": [
                            "uri": .string(snapshot.origin ?? ""), "ref": .string(snapshot.revision),
                            "subdirectory": .string(snapshot.subdirectory),
                        ],
                        "dockerfile": .optional(changes.dockerfile), "target": .optional(changes.target),
                        "arguments": .strings(changes.arguments), "platform": .optional(changes.platform),
                    ],
                    "internalParameters": .object(internals),
                    "resolvedDependencies": .array(dependencies),
                ],
                "runDetails": [
                    "builder": [
                        "id": .string(Provenance.builder), "version": ["ibid": .string(IbidVersion.current)],
                    ],
                    "metadata": ["finishedOn": .string(time.description)],
                ],
            ])
    }
}

extension StepDifference {
    fileprivate var json: JSONValue {
        [
            "path": .string(path), "normalised": .bool(isNormalised), "cause": .string(cause),
            "detail": .optional(detail),
        ]
    }
}

extension Statement {
    /// Whether a provenance statement names some bytes among what it was made from.
    func names(_ digest: Digest) -> Bool {
        (predicate["buildDefinition"]?["resolvedDependencies"]?.array ?? [])
            .contains { $0["digest"]?["sha256"]?.string == digest.hex }
    }
}
