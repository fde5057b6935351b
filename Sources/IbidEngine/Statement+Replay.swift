import IbidLedger
import IbidModel

extension ReplayReport {
    /// The verdict as an in-toto test result v0.1: which outputs passed, which failed, against what.
    ///
    /// - Parameters:
    ///   - original: the digest of the original outcome's statement, which binds this verdict to that entry.
    ///   - actual: the digest of the replay's own result; nil when it could not be tried.
    func statement(
        original: Digest, recorded: RecordedRun, actual: Digest?, started: Timestamp, finished: Timestamp
    ) -> Statement {
        func names(_ verdicts: Verdict...) -> JSONValue {
            .array(outputs.filter { verdicts.contains($0.verdict) }.map { .string($0.path) })
        }
        var subjects = [Statement.Subject(name: "result.json", digest: recorded.result)]
        if let actual { subjects.append(Statement.Subject(name: "replay-result.json", digest: actual)) }
        let details: JSONValue = [
            "replay": .string(run.text), "verdict": .string(verdict.rawValue), "reason": .optional(reason),
            "startedOn": .string(started.description), "finishedOn": .string(finished.description),
            "ibid": .string(IbidVersion.current), "differences": .array(differences),
        ]
        let outcome: JSONValue = [
            "name": "original", "uri": .string(BuildType.runPrefix + replayOf.text),
            "digest": ["sha256": .string(original.hex)], "annotations": details,
        ]
        return Statement(
            subjects: subjects, predicateType: Statement.PredicateType.testResult,
            predicate: [
                "result": .string(result),
                "configuration": [
                    outcome, RunFacts.descriptor("image", recorded.image, mediaType: OCI.MediaType.manifest),
                    RunFacts.descriptor("spec.json", recorded.spec),
                ],
                "passedTests": names(.identical),
                "warnedTests": names(.equivalent),
                "failedTests": names(.different, .failed, .unverifiable),
            ])
    }

    // What is not identical, each with the rule that judged it: so many that a statement stays small.
    private var differences: [JSONValue] {
        outputs.filter { $0.verdict != .identical }.prefix(200).map { output in
            [
                "path": .string(output.path), "verdict": .string(output.verdict.rawValue),
                "rule": .string(output.rule), "detail": .optional(output.detail),
                "cause": .optional(output.cause?.summary),
            ]
        }
    }

    // The predicate knows three words: PASSED, WARNED, FAILED.
    private var result: String {
        switch verdict {
        case .identical: "PASSED"
        case .equivalent: "WARNED"
        case .different, .failed, .unverifiable: "FAILED"
        }
    }
}
