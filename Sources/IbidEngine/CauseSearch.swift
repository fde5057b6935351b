import Glibc
import IbidCompare
import IbidContainer
import IbidModel
import IbidRuntime
import Synchronization

/// Finds what makes outputs differ: runs again with everything held still, then with one thing after another varied, and
/// sees which outputs follow.
struct CauseSearch {
    let engine: Engine
    let spec: RunSpec
    let replayed: RunResult
    let host: [String: String]
    let recordedHost: [String: String]

    /// What a probe gave: a digest for each path and stream, and one for the names together.
    private typealias Prints = [String: String]
    private static let names = "<names>"

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
        let prints = results.mapValues(Self.prints)
        return outputs.map { output in
            guard output.verdict == .different, output.path != "<exit status>" else { return output }
            // A name that only one of the two has may be made up anew each time: then the names are what differs.
            let isNamed = output.expected != nil && output.actual != nil
            let found = self.layers(of: isNamed ? output.path : Self.names, prints, holding: layers)
            let layers = Self.decisive(found, output.explanation?.nature)
            var output = output
            output.cause = Cause(layers: layers, output: output, spec: spec, host: host, recordedHost: recordedHost)
            return output
        }
    }

    private func layers(of path: String, _ prints: [Probe: Prints], holding: [Cause.Layer]) -> [Cause.Layer] {
        func print(_ kind: Probe.Kind, _ turn: Int) -> String? { prints[Probe(kind: kind, turn: turn)]?[path] }
        let still = (1...3).map { print(.still, $0) }
        guard Set(still).count == 1 else { return [.scheduling] }
        let moving = holding.filter { layer in
            let first = print(.varied(layer), 1)
            let isRepeated = prints[Probe(kind: .varied(layer), turn: 2)] != nil
            return first != still[0] && (!isRepeated || first == print(.varied(layer), 2))
        }
        if !moving.isEmpty { return moving }
        let here = Set([Self.prints(replayed)[path], print(.again, 1), print(.again, 2)])
        return [here.count == 1 ? .environment : .scheduling]
    }

    /// Of the things that an output follows, those that say why.
    private static func decisive(_ layers: [Cause.Layer], _ nature: Explanation.Nature?) -> [Cause.Layer] {
        // Where objects lie in memory follows from everything that ran before, so such an output follows everything.
        if layers.contains(.addresses) && layers.count > 2 { return [.addresses] }
        // A file system keeps its order: it is the reason where nothing else is, as between two machines.
        if layers.count > 1 && layers.contains(.directories) { return layers.filter { $0 != .directories } }
        // With clocks that count, threads take turns by the count: what time did was to change the order.
        if nature == .order && Set(layers).isSubset(of: [.elapsed, .inodes]) { return [.scheduling] }
        return layers
    }

    private func endedAlike(_ results: [Probe: RunResult]) -> Bool {
        results.filter { $0.key.kind != .again }.allSatisfy {
            $0.value.status == replayed.status && $0.value.exitCode == replayed.exitCode
        }
    }

    private func run(_ layers: [Cause.Layer], events: @escaping EventSink) throws -> [Probe: RunResult] {
        let probes = Probe.all(for: spec, holding: layers)
        let state = Mutex<(results: [Probe: RunResult], failure: (any Error)?)>(([:], nil))
        try concurrently(probes.count, workers: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) { index in
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

    private static func prints(_ result: RunResult) -> Prints {
        var prints = ["<stdout>": "\(result.stdout)", "<stderr>": "\(result.stderr)"]
        for output in result.outputs { prints[output.path] = "\(output.kind) \(output.executable) \(output.digest)" }
        prints[names] = result.outputs.map(\.path).joined(separator: "\n")
        return prints
    }
}
