import IbidCompare
import IbidLedger
public import IbidModel
import IbidStore

extension Engine {
    /// Compares any two runs by layers: code, lock, image, inputs, parameters, environment, outputs.
    ///
    /// - Throws: `IbidError` when one of them is not recorded, has not ended, or its record's documents are gone.
    public func diff(_ first: RunID, _ second: RunID) throws -> RunDifference {
        let (old, new) = (try side(first), try side(second))
        let comparison = try Comparison(
            rules: old.spec.compare, expected: old.result, actual: new.result, store: store,
            viewer: OutputViewer(engine: self))
        return RunDifference(
            first: first, second: second, layers: try layers(old, new), outputs: comparison.verdicts,
            verdict: comparison.verdict)
    }

    private struct Side {
        var report: RunReport
        var recorded: RecordedRun
        var spec: RunSpec
        var result: RunResult
    }

    private func side(_ run: RunID) throws -> Side {
        let recorded = RecordedRun(statement: try outcome(of: run).readStatement())
        return Side(
            report: try report(for: run), recorded: recorded, spec: try store.read(RunSpec.self, from: recorded.spec),
            result: try store.read(RunResult.self, from: recorded.result))
    }

    private func layers(_ old: Side, _ new: Side) throws -> [RunDifference.Layer] {
        let (before, after) = (old.spec, new.spec)
        func inputs(_ spec: RunSpec) -> [String: String] { spec.inputs.mapValues { "\($0.kind) \($0.digest)" } }
        // Parameters stand for themselves.
        func environment(_ spec: RunSpec) -> [String: String] {
            let parameters = Set(spec.params.keys.map { RunEnvironment.variable(for: $0) })
            return spec.environment.filter { !parameters.contains($0.key) }
        }
        func command(_ spec: RunSpec) -> [String: String] {
            [
                "command": spec.command.joined(separator: " "), "directory": spec.workingDirectory, "user": spec.user,
                "outputs": spec.outputs.joined(separator: " "),
                "compare": spec.compare.map { "\($0.pattern) \($0.description)" }.joined(separator: "; "),
            ]
        }
        func limits(_ limits: Limits) -> [String: String] {
            [
                "memory": "\(limits.memoryBytes)", "cpu": "\(limits.cpuMillis)", "pids": "\(limits.pids)",
                "wall": "\(limits.wallSeconds)", "output": "\(limits.outputBytes)", "files": "\(limits.outputFiles)",
                "open files": "\(limits.openFiles)",
            ]
        }
        func profile(_ spec: RunSpec) -> [String: String] {
            [
                "determinism": spec.determinism.rawValue, "processor level": spec.cpu?.rawValue ?? "none",
                "runtime": spec.runtime, "platform": spec.platform,
            ]
        }
        return [
            .init(name: "code", lines: try code(old.report.source, new.report.source)),
            .init(name: "recipe", lines: try blobs("Dockerfile", old.recorded.recipe, new.recorded.recipe)),
            .init(name: "lock", lines: try blobs("lock.json", old.recorded.lock, new.recorded.lock)),
            .init(
                name: "image",
                lines: before.image == after.image
                    ? [] : try ImageDifference(before.image, after.image, in: store).lines),
            .init(name: "inputs", lines: Self.changes(inputs(before), inputs(after))),
            .init(name: "parameters", lines: Self.changes(before.params, after.params)),
            .init(name: "command", lines: Self.changes(command(before), command(after))),
            .init(name: "environment", lines: Self.changes(environment(before), environment(after))),
            .init(name: "limits", lines: Self.changes(limits(before.limits), limits(after.limits))),
            .init(name: "profile", lines: Self.changes(profile(before), profile(after))),
            .init(name: "machine", lines: Self.changes(old.recorded.host, new.recorded.host)),
        ]
    }

    private func code(_ old: SourceSnapshot, _ new: SourceSnapshot) throws -> [String] {
        guard old.tree != new.tree else { return [] }
        let states = [old, new].map { "\($0.commit.hex.prefix(12))\($0.dirty ? " with uncommitted changes" : "")" }
        return ["\(states[0]) → \(states[1])"] + (try blobs("source.tar", old.layer, new.layer))
    }

    // Two documents by digest; explained when both are here.
    private func blobs(_ name: String, _ old: Digest?, _ new: Digest?) throws -> [String] {
        if old == new { return [] }
        guard let old else { return ["only the second has one"] }
        guard let new else { return ["only the first has one"] }
        guard store.contains(old), store.contains(new),
            max(try store.size(of: old), try store.size(of: new)) <= Int64(Finding.largestFile)
        else { return ["\(old) → \(new)"] }
        let explanation = Explanation(path: name, before: try store.read(old), after: try store.read(new))
        return explanation.lines.isEmpty ? [explanation.summary] : explanation.lines
    }

    /// What was added, removed and altered, a line each.
    static func changes(_ old: [String: String], _ new: [String: String]) -> [String] {
        Set(old.keys).union(new.keys).sorted().compactMap { key in
            switch (old[key], new[key]) {
            case (let before, let after) where before == after: nil
            case (nil, let after): "\(key) is new: \(after ?? "")"
            case (let before, nil): "\(key) is gone: \(before ?? "")"
            case (let before, let after): "\(key): \(before ?? "") → \(after ?? "")"
            }
        }
    }
}
