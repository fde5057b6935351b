import IbidModel

/// Compares what a run gave with what its replay gave.
struct Comparison {
    private(set) var verdicts: [OutputVerdict] = []
    private(set) var verdict: Verdict = .identical
    private(set) var reason: String?

    /// - Parameter rules: the rules that were sealed with the run; the first that matches a path counts.
    init(rules: [CompareRule], expected: RunResult, actual: RunResult) {
        let before = Dictionary(expected.outputs.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(actual.outputs.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        for path in Set(before.keys).union(after.keys).sorted() {
            verdicts.append(Self.compare(path, before[path], after[path], rules: rules))
        }
        verdicts.append(Self.compare("<stdout>", expected.stdout, actual.stdout))
        verdicts.append(Self.compare("<stderr>", expected.stderr, actual.stderr))
        verdicts.append(Self.ending(expected, actual))
        if verdicts.contains(where: { $0.verdict == .different }) {
            verdict = .different
        } else if verdicts.contains(where: { $0.verdict == .equivalent }) {
            verdict = .equivalent
        }
        // A replay that a limit or a signal stopped says little about the analysis; say that instead.
        if actual.status == .killed && expected.status != .killed {
            verdict = .failed
            reason = "the replay was killed: \(actual.reason ?? "no reason given")"
        }
    }

    private static func compare(
        _ path: String, _ before: RunOutput?, _ after: RunOutput?, rules: [CompareRule]
    ) -> OutputVerdict {
        var detail: String?
        var verdict = Verdict.different
        let rule = rules.first { (try? Glob($0.pattern).matches(path)) == true }
        switch (before, after) {
        case (nil, _): detail = "only the replay wrote it"
        case (_, nil): detail = "the replay did not write it"
        case (let before?, let after?):
            if before == after {
                verdict = .identical
            } else if before.kind != after.kind {
                detail = "was a \(before.kind.rawValue), is a \(after.kind.rawValue)"
            } else if before.digest != after.digest {
                detail =
                    before.size == after.size ? "same size, other bytes" : "\(before.size) bytes, now \(after.size)"
            } else {
                detail = after.executable ? "became executable" : "is no longer executable"
            }
        }
        if rule?.kind == .ignore && verdict == .different {
            verdict = .equivalent
            detail = "not compared, as the job says"
        }
        return OutputVerdict(
            path: path, verdict: verdict, expected: before?.digest.description, actual: after?.digest.description,
            rule: rule?.kind == .ignore ? "ignore" : "bytes", detail: detail)
    }

    private static func compare(_ name: String, _ before: Digest, _ after: Digest) -> OutputVerdict {
        OutputVerdict(
            path: name, verdict: before == after ? .identical : .different, expected: before.description,
            actual: after.description, detail: before == after ? nil : "other bytes")
    }

    private static func ending(_ before: RunResult, _ after: RunResult) -> OutputVerdict {
        func text(_ result: RunResult) -> String {
            result.exitCode.map(String.init) ?? result.reason ?? result.status.rawValue
        }
        return OutputVerdict(
            path: "<exit status>", verdict: text(before) == text(after) ? .identical : .different,
            expected: text(before), actual: text(after))
    }
}
