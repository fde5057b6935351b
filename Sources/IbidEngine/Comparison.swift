import IbidCompare
import IbidModel
import IbidStore

/// Compares what a run gave with what its replay gave.
struct Comparison {
    private(set) var verdicts: [OutputVerdict] = []
    private(set) var verdict: Verdict = .identical
    private(set) var reason: String?

    private let rules: [(glob: Glob?, rule: CompareRule)]
    private let store: Store
    private let viewer: OutputViewer?
    private var explained = 0
    private var shownToOthers = 0

    /// Differences that are looked into; of a run that differs everywhere the first say enough.
    private static let mostExplained = 200
    /// Files that are given to other programs, which takes seconds each.
    private static let mostShownToOthers = 5

    /// - Parameters:
    ///   - rules: the rules that were sealed with the run; the first that matches a path counts.
    ///   - store: holds the bytes of both.
    ///   - viewer: looks at what Ibid does not read by itself.
    init(rules: [CompareRule], expected: RunResult, actual: RunResult, store: Store, viewer: OutputViewer?) throws {
        (self.store, self.viewer) = (store, viewer)
        self.rules = rules.map { (try? Glob($0.pattern), $0) }
        // By bytes: for Swift two names are the same however their accents are put together, for a file system not.
        let before = Dictionary(
            expected.outputs.map { (Array($0.path.utf8), $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(
            actual.outputs.map { (Array($0.path.utf8), $0) }, uniquingKeysWith: { first, _ in first })
        for path in Set(before.keys).union(after.keys).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            verdicts.append(try compare(String(decoding: path, as: UTF8.self), before[path], after[path]))
        }
        for (name, left, right) in [
            ("<stdout>", expected.stdout, actual.stdout), ("<stderr>", expected.stderr, actual.stderr),
        ] {
            // A stream has no path: only a rule that names it can mean it.
            let rule = rules.first { $0.pattern == name }
            verdicts.append(try compareBytes(name, left, right, rule: rule))
        }
        verdicts.append(Self.ending(expected, actual))
        verdict = Self.worst(verdicts.map(\.verdict))
        // A replay that a limit or a signal stopped says little about the analysis; say that instead.
        if actual.status == .killed && expected.status != .killed {
            verdict = .failed
            reason = "the replay was killed: \(actual.reason ?? "no reason given")"
        } else if verdict == .unverifiable {
            reason = verdicts.first { $0.verdict == .unverifiable }.map { "\($0.path): \($0.detail ?? "")" }
        }
    }

    /// The verdict over several: the first of these that any of them has.
    static func worst(_ verdicts: some Sequence<Verdict>) -> Verdict {
        let all = Set(verdicts)
        return [.failed, .different, .unverifiable, .equivalent].first { all.contains($0) } ?? .identical
    }

    private mutating func compare(_ path: String, _ before: RunOutput?, _ after: RunOutput?) throws -> OutputVerdict {
        let rule = rules.first { $0.glob?.matches(path) == true }?.rule
        guard let before, let after, before.kind == after.kind, before.executable == after.executable else {
            var verdict = OutputVerdict(
                path: path, verdict: .different, expected: before?.digest.description,
                actual: after?.digest.description, rule: rule?.description ?? "bytes",
                detail: Self.change(before, after))
            if rule?.kind == .ignore { (verdict.verdict, verdict.detail) = (.equivalent, Self.ignored) }
            return verdict
        }
        return try compareBytes(path, before.digest, after.digest, rule: before.kind == .file ? rule : nil)
    }

    private static let ignored = "not compared, as the job says"

    private static func change(_ before: RunOutput?, _ after: RunOutput?) -> String {
        guard let before else { return "only the replay wrote it" }
        guard let after else { return "the replay did not write it" }
        if before.kind != after.kind { return "was a \(before.kind.rawValue), is a \(after.kind.rawValue)" }
        return after.executable ? "became executable" : "is no longer executable"
    }

    private mutating func compareBytes(
        _ path: String, _ before: Digest, _ after: Digest, rule: CompareRule?
    ) throws -> OutputVerdict {
        var verdict = OutputVerdict(
            path: path, verdict: before == after ? .identical : .different, expected: before.description,
            actual: after.description, rule: rule?.description ?? "bytes")
        if before == after { return verdict }
        if let rule, rule.kind == .ignore {
            (verdict.verdict, verdict.detail) = (.equivalent, Self.ignored)
            return verdict
        }
        guard store.contains(before) else {
            // The digests say that it is not the same; only a rule could say that it is near enough.
            let cannot = rule != nil && rule?.kind != .bytes
            verdict.verdict = cannot ? .unverifiable : .different
            verdict.detail =
                "other bytes; the recorded ones are gone" + (cannot ? ", so the rule cannot be applied" : "")
            return verdict
        }
        guard max(try store.size(of: before), try store.size(of: after)) <= Int64(Finding.largestFile) else {
            verdict.detail = "other bytes; too large to be looked into"
            return verdict
        }
        let (old, new) = (try store.read(before), try store.read(after))
        let isDrawing = FileKind(old, path: path) == .svg && FileKind(new, path: path) == .svg
        // A drawing is looked at when a rule asks for it, or when it is to be shown.
        let drawn = isDrawing && (rule?.kind == .image || explained < Self.mostExplained) ? try draw(old, new) : nil
        if let rule, rule.kind != .bytes {
            switch drawn {
            case .failure(.unavailable(let reason)) where rule.kind == .image:
                (verdict.verdict, verdict.detail) = (.unverifiable, "the rule 'image' \(reason)")
            case .failure(.unreadable(let reason)) where rule.kind == .image:
                verdict.detail = "could not be read as SVG: \(reason); bytes differ"
            case .success(let pictures) where rule.kind == .image:
                try apply(rule, path: path, pictures.before, pictures.after, to: &verdict)
            default: try apply(rule, path: path, old, new, to: &verdict)
            }
        }
        if verdict.verdict == .different && explained < Self.mostExplained {
            explained += 1
            var explanation = Explanation(path: path, before: old, after: new)
            if case .success(let pictures) = drawn { explanation.show(pictures.before, pictures.after) }
            if explanation.isOpaque && shownToOthers < Self.mostShownToOthers {
                shownToOthers += 1
                explanation.lines += try viewer?.diffoscope(path: path, old, new) ?? []
            }
            verdict.explanation = explanation
            if verdict.detail == nil { verdict.detail = explanation.summary }
        }
        return verdict
    }

    private func apply(
        _ rule: CompareRule, path: String, _ old: [UInt8], _ new: [UInt8], to verdict: inout OutputVerdict
    ) throws {
        let finding = rule.judge(path: path, before: old, after: new)
        verdict.verdict = finding.isEqual ? .equivalent : .different
        verdict.detail = old == new ? "the same pixels, written differently" : finding.detail
    }

    private func draw(
        _ old: [UInt8], _ new: [UInt8]
    ) throws -> Result<(before: [UInt8], after: [UInt8]), OutputViewer.Failure> {
        guard let viewer else { return .failure(.unavailable("needs somebody to draw SVG")) }
        do {
            return .success((try viewer.png(ofSVG: old), try viewer.png(ofSVG: new)))
        } catch let failure as OutputViewer.Failure {
            return .failure(failure)
        } catch let error as IbidError {
            return .failure(.unavailable("could not have SVG drawn: \(error.message)"))
        }
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

extension CompareRule {
    /// The rule with its settings, on one line: `numeric rtol=1e-9`.
    var description: String {
        ([kind.rawValue] + settings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
    }
}
