import IbidEngine
import IbidModel

/// The JSON contract: these keys, always all of them.
enum ReportJSON {
    static func run(_ report: RunReport) -> JSONDocument {
        var members: [(String, JSONDocument)] = [
            ("run", .text(report.run)),
            ("job", .string(report.job)),
            ("status", .string(report.status.rawValue)),
            ("exitCode", report.exitCode.map { .int(Int64($0)) } ?? .null),
            ("reason", .text(report.reason)),
            ("cached", .bool(report.cached)),
            ("commit", .text(report.source.commit)),
            ("tree", .text(report.source.tree)),
            ("dirty", .bool(report.source.dirty)),
            ("revision", .string(report.source.revision)),
            ("subdirectory", .string(report.source.subdirectory)),
            ("image", .text(report.image)),
            ("spec", .text(report.spec)),
            ("result", .text(report.result)),
            ("command", .array(report.command.map { .string($0) })),
            ("params", .strings(report.params)),
            (
                "inputs",
                .array(
                    report.inputs.sorted { $0.key < $1.key }.map { name, input in
                        .object([
                            ("name", .string(name)), ("kind", .string(input.kind.rawValue)),
                            ("digest", .text(input.digest)), ("size", .int(input.size)),
                        ])
                    })
            ),
            (
                "outputs",
                .array(
                    report.outputs.map { output in
                        .object([
                            ("path", .string(output.path)), ("kind", .string(output.kind.rawValue)),
                            ("digest", .text(output.digest)), ("size", .int(output.size)),
                            ("executable", .bool(output.executable)),
                        ])
                    })
            ),
            ("refusedOutputs", .strings(report.refusedOutputs)),
            ("stdout", .text(report.stdout)),
            ("stderr", .text(report.stderr)),
        ]
        members += [
            ("startedAt", .text(report.startedAt)),
            ("finishedAt", .text(report.finishedAt)),
            ("wallSeconds", Formatting.seconds(report.wallMicroseconds)),
            ("cpuSeconds", Formatting.seconds(report.cpuMicroseconds)),
            ("peakMemoryBytes", report.peakMemoryBytes.map { .int($0) } ?? .null),
            ("writtenBytes", report.writtenBytes.map { .int($0) } ?? .null),
            ("limitsReached", .array(report.limitsReached.map { .string($0) })),
            ("determinism", .text(report.determinism)),
            ("cpuLevel", .text(report.cpuLevel)),
            ("strictCost", report.strictCost.map(strictCost) ?? .null),
            ("host", .strings(report.host)),
            ("build", report.build.map(build) ?? .null),
            ("ledger", ledger(report.ledger)),
        ]
        return .object(members)
    }

    static func ledger(_ reference: LedgerReference) -> JSONDocument {
        .object([
            ("leafIndex", .int(reference.leafIndex)), ("treeSize", .int(reference.treeSize)),
            ("rootHash", .text(reference.rootHash)),
        ])
    }

    static func build(_ build: ImageBuild) -> JSONDocument {
        .object([
            ("image", .text(build.image)), ("ref", .string(build.ref)), ("base", .text(build.base)),
            ("lock", .text(build.lock)),
            (
                "steps",
                .array(
                    build.steps.map { step in
                        .object([
                            ("instruction", .string(step.instruction)), ("layer", .text(step.layer)),
                            ("cached", .bool(step.cached)), ("seconds", Formatting.seconds(step.microseconds)),
                            ("verdict", .text(step.verdict?.rawValue)),
                            ("differences", .array((step.differences ?? []).map(difference))),
                        ])
                    })
            ),
            ("sizeBytes", .int(build.sizeBytes)),
            (
                "verification",
                build.variation.map { variation in
                    .object([
                        ("varied", .array(variation.varied.map { .string($0) })),
                        ("notVaried", .array(variation.notVaried.map { .string($0) })),
                    ])
                } ?? .null
            ),
        ])
    }

    private static func strictCost(_ cost: RunMeasurement.StrictCost) -> JSONDocument {
        .object([
            ("clock", .int(cost.clock)), ("random", .int(cost.random)), ("files", .int(cost.files)),
            ("directories", .int(cost.directories)), ("seconds", Formatting.seconds(cost.microseconds)),
        ])
    }

    private static func difference(_ difference: StepDifference) -> JSONDocument {
        .object([
            ("path", .string(difference.path)), ("normalised", .bool(difference.isNormalised)),
            ("cause", .string(difference.cause)), ("detail", .text(difference.detail)),
        ])
    }

    static func replay(_ report: ReplayReport) -> JSONDocument {
        .object([
            ("run", .text(report.run)), ("replayOf", .text(report.replayOf)),
            ("verdict", .string(report.verdict.rawValue)), ("reason", .text(report.reason)),
            (
                "image",
                .object([("expected", .text(report.expectedImage)), ("actual", .text(report.actualImage))])
            ),
            (
                "outputs",
                .array(
                    report.outputs.map(verdict))
            ),
            ("ledger", report.ledger.map(ledger) ?? .null),
        ])
    }

    static func verdict(_ output: OutputVerdict) -> JSONDocument {
        .object([
            ("path", .string(output.path)), ("verdict", .string(output.verdict.rawValue)),
            ("expected", .text(output.expected)), ("actual", .text(output.actual)),
            ("rule", .string(output.rule)), ("detail", .text(output.detail)),
            ("differences", .array(output.differences.map { .string($0) })),
            ("cause", output.cause.map(cause) ?? .null),
        ])
    }

    static func diff(_ difference: RunDifference) -> JSONDocument {
        .object([
            ("first", .text(difference.first)), ("second", .text(difference.second)),
            ("verdict", .string(difference.verdict.rawValue)),
            (
                "layers",
                .array(
                    difference.layers.map { layer in
                        .object([
                            ("name", .string(layer.name)), ("same", .bool(layer.lines.isEmpty)),
                            ("differences", .array(layer.lines.map { .string($0) })),
                        ])
                    })
            ),
            ("outputs", .array(difference.outputs.map(verdict))),
        ])
    }

    static func cause(_ cause: Cause) -> JSONDocument {
        .object([
            ("layers", .array(cause.layers.map { .string($0.rawValue) })), ("summary", .string(cause.summary)),
            ("advice", .string(cause.advice)),
        ])
    }

    static func verification(_ report: VerificationReport) -> JSONDocument {
        .object([
            ("ok", .bool(report.ok)),
            ("proved", .array(report.proved.map { .string($0) })),
            ("notProved", .array(report.notProved.map { .string($0) })),
            (
                "problems",
                .array(
                    report.problems.map {
                        .object([("what", .string($0.what)), ("got", .string($0.got)), ("want", .string($0.want))])
                    })
            ),
        ])
    }

    /// - Parameter params: of one run among many.
    static func error(_ error: IbidError, params: [String: String]? = nil) -> JSONDocument {
        let description = JSONDocument.object([
            ("code", .string(error.code)), ("message", .string(error.message)), ("hint", .text(error.hint)),
        ])
        return .object((params.map { [("params", .strings($0))] } ?? []) + [("error", description)])
    }
}
