import Glibc
import IbidCompare
import IbidContainer
import IbidModel
import IbidRuntime
import Synchronization

/// Finds what makes outputs differ: runs again with everything held still, then with one thing after another varied, and
/// sees which parts of which outputs follow (`CauseEvidence`).
struct CauseSearch {
    let engine: Engine
    let spec: RunSpec
    let expected: RunResult
    let replayed: RunResult
    let host: [String: String]
    let recordedHost: [String: String]
    /// How long the replay took.
    let wallMicroseconds: Int64

    /// The verdicts with causes for those that differ.
    func explained(_ outputs: [OutputVerdict], events: @escaping EventSink) throws -> [OutputVerdict] {
        var layers = Probe.free(in: spec)
        var results = try run(layers, events: events)
        if !endedAlike(results) {
            // Counting clocks confuse programs that wait for real time to pass; then that cannot be held still.
            layers.removeAll { $0 == .elapsed }
            results = try run(layers, events: events)
        }
        guard endedAlike(results) else {
            events(.warning("no cause was found: with clock and randomness held still, the analysis ends otherwise"))
            return outputs
        }
        let evidence = CauseEvidence(
            expected: expected, replayed: replayed, probes: results, holding: layers, store: engine.store)
        return try outputs.map { output in
            guard output.verdict == .different, output.path != "<exit status>" else { return output }
            let layers = Self.decisive(try evidence.layers(of: output), output.explanation?.nature)
            var output = output
            output.cause = Cause(layers: layers, output: output, spec: spec, host: host, recordedHost: recordedHost)
            return output
        }
    }

    private static func decisive(_ layers: [Cause.Layer], _ nature: Explanation.Nature?) -> [Cause.Layer] {
        // With clocks that count, threads take turns by the count: what time did was to change the order.
        nature == .order && Set(layers).isSubset(of: [.elapsed, .inodes, .scheduling]) ? [.scheduling] : layers
    }

    private func endedAlike(_ results: [Probe: RunResult]) -> Bool {
        results.filter { $0.key.kind != .again }.allSatisfy {
            $0.value.status == replayed.status && $0.value.exitCode == replayed.exitCode
        }
    }

    private func run(_ layers: [Cause.Layer], events: @escaping EventSink) throws -> [Probe: RunResult] {
        let probes = Probe.all(for: spec, holding: layers)
        var spec = spec
        // Who waits for a time that never comes must not be waited for.
        let patience = 30 + 20 * wallMicroseconds / 1_000_000
        spec.limits.wallSeconds = min(spec.limits.wallSeconds, patience)
        let state = Mutex<(results: [Probe: RunResult], failure: (any Error)?)>(([:], nil))
        try concurrently(probes.count, workers: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) { [spec] index in
            guard !engine.stop.isThrown, state.withLock({ $0.failure == nil }) else { return }
            let probe = probes[index]
            events(.probe("run \(index + 1) of \(probes.count), \(probe.description)"))
            do {
                let (spec, setup) = probe.arrange(spec, holding: layers)
                let (result, _) = try engine.evaluate(spec, as: try engine.moment.runID(), setup: setup) { _ in }
                state.withLock { $0.results[probe] = result }
            } catch {
                state.withLock { if $0.failure == nil { $0.failure = error } }
            }
        }
        let (results, failure) = state.withLock { $0 }
        if let failure { throw failure }
        guard results.count == probes.count else {
            throw IbidError("interrupted", "interrupted while looking for a cause", exit: .interrupted)
        }
        return results
    }
}
