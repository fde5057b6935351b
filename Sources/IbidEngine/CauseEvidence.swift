import IbidCompare
import IbidModel
import IbidStore

/// What the runs of a `CauseSearch` show of each output: place by place, which of the varied things it follows.
struct CauseEvidence {
    let expected: RunResult
    let replayed: RunResult
    let probes: [Probe: RunResult]
    /// What was held still.
    let holding: [Cause.Layer]
    let store: Store

    /// One version of an output for each run.
    private struct Versions {
        var real: [[UInt8]] = []
        var still: [[UInt8]] = []
        var varied: [Cause.Layer: [[UInt8]]] = [:]
    }

    /// Beyond this an output is judged by its digest as a whole.
    private static let largestRead: Int64 = 4 << 20
    /// How many times farther than runs that should be the same a varied one must be, to be more than their noise.
    private static let beyondNoise = 16.0
    /// Of the places that differ, the part that a cause must explain to be named beside the order of threads; where parts
    /// have only changed their order, more.
    private static let (worthNaming, worthNamingInOrder) = (0.05, 0.5)

    /// The layers of the cause of an output that differs, from the outside in; never empty.
    func layers(of output: OutputVerdict) throws -> [Cause.Layer] {
        // A name that only one of the two has may be made up anew each time: then the names are what differs.
        let isNamed = output.expected != nil && output.actual != nil
        let constant = isNamed ? [] : Set(expected.outputs.map(\.path)).intersection(replayed.outputs.map(\.path))
        let versions = try versions {
            isNamed
                ? try content(of: output.path, in: $0) : nearestName(to: output.path, in: $0, except: constant)
        }
        let table = VersionTable(versions.real + versions.still + holding.flatMap { versions.varied[$0] ?? [] })
        var words: [Int: Set<Cause.Layer>] = [:]
        for place in table.places {
            let parts = split(place.parts, like: versions)
            // The recorded one and the replay, and where those are the same by chance, the replay and its repetitions.
            guard Set(parts.real).count > 1 else { continue }
            words[place.word, default: []].formUnion(follows(parts))
        }
        let isOrder = output.explanation?.nature == .order
        return judged(Array(words.values), share: isOrder ? Self.worthNamingInOrder : Self.worthNaming)
    }

    private func judged(_ words: [Set<Cause.Layer>], share: Double) -> [Cause.Layer] {
        var counts: [Cause.Layer: Int] = [:]
        for word in words {
            // In a date or an address the last digits may waver while the others follow: that is one cause.
            let known = word.subtracting([.scheduling, .environment])
            for layer in known.isEmpty ? word : known { counts[layer, default: 0] += 1 }
        }
        let wavering = Double(counts[.scheduling] ?? 0)
        // Where threads decide the order, single places follow other things by chance.
        var layers = counts.filter { $0.key == .scheduling || Double($0.value) >= share * wavering }
        // Some places are the same in all runs here by chance.
        if layers.count > 1 { layers[.environment] = nil }
        // A file system keeps its order: it is the reason where nothing else is, as between two machines.
        if layers.count > 1 { layers[.directories] = nil }
        return layers.isEmpty ? [.scheduling] : Cause.Layer.allCases.filter { layers[$0] != nil }
    }

    /// What one place follows; nothing when that does not show.
    private func follows(_ parts: Parts) -> Set<Cause.Layer> {
        var noise = 0.0
        for (index, part) in parts.still.enumerated() {
            for other in parts.still[..<index] { noise = max(noise, VersionTable.distance(part, other)) }
        }
        var effects: [Cause.Layer: Double] = [:]
        for layer in holding {
            guard let varied = parts.varied[layer], !varied.isEmpty else { continue }
            let effect =
                varied.map { part in parts.still.map { VersionTable.distance(part, $0) }.min() ?? 0 }.min() ?? 0
            let isDecided =
                !Probe.isRepeatable(layer) || VersionTable.distance(varied[0], varied[1]) <= Self.beyondNoise * noise
            if effect > Self.beyondNoise * noise && isDecided { effects[layer] = effect }
        }
        if effects.isEmpty {
            if noise > 0 { return [.scheduling] }
            // That a place follows nothing that was tried may be chance; that it does not change here is not.
            return Set(parts.here).count == 1 ? [.environment] : []
        }
        // Where objects lie in memory follows from everything that ran before, so an address follows everything a little,
        // and what is ordered by addresses follows everything.
        if let address = effects[.addresses] {
            effects = effects.filter { $0.value >= address / 1_000 }
            if effects.count > 2 { return [.addresses] }
        }
        return Set(effects.keys)
    }

    // MARK: Versions

    private struct Parts {
        var real: [ArraySlice<UInt8>]
        var still: [ArraySlice<UInt8>]
        var varied: [Cause.Layer: [ArraySlice<UInt8>]]
        /// Those of this machine.
        var here: ArraySlice<ArraySlice<UInt8>> { real.dropFirst() }
    }

    private func versions(_ bytes: (RunResult) throws -> [UInt8]) throws -> Versions {
        func all(_ kind: Probe.Kind) throws -> [[UInt8]] {
            try probes.filter { $0.key.kind == kind }.sorted { $0.key.turn < $1.key.turn }.map { try bytes($0.value) }
        }
        var versions = Versions(real: try [bytes(expected), bytes(replayed)] + all(.again), still: try all(.still))
        for layer in holding { versions.varied[layer] = try all(.varied(layer)) }
        return versions
    }

    private func split(_ parts: [ArraySlice<UInt8>], like versions: Versions) -> Parts {
        var rest = parts[...]
        func take(_ count: Int) -> [ArraySlice<UInt8>] {
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        var result = Parts(real: take(versions.real.count), still: take(versions.still.count), varied: [:])
        for layer in holding { result.varied[layer] = take(versions.varied[layer]?.count ?? 0) }
        return result
    }

    private func content(of path: String, in result: RunResult) throws -> [UInt8] {
        if path == "<stdout>" { return try read(result.stdout) }
        if path == "<stderr>" { return try read(result.stderr) }
        guard let output = result.outputs.first(where: { $0.path == path }) else { return [] }
        return try read(output.digest) + (output.kind == .file && !output.executable ? [] : Array("\(output)".utf8))
    }

    private func read(_ digest: Digest) throws -> [UInt8] {
        // The recorded bytes may be gone; that they are others is all that is asked of them then.
        guard store.contains(digest), try store.size(of: digest) <= Self.largestRead else { return digest.bytes + [0] }
        return try store.read(digest)
    }

    /// The name that a run gave in the place of one that others do not have.
    private func nearestName(to path: String, in result: RunResult, except constant: Set<String>) -> [UInt8] {
        let wanted = Array(path.utf8)
        let names = result.outputs.map(\.path).filter { !constant.contains($0) }.map { Array($0.utf8) }
        func likeness(_ name: [UInt8]) -> Int {
            zip(wanted, name).prefix { $0 == $1 }.count
                + zip(wanted.reversed(), name.reversed()).prefix { $0 == $1 }.count
        }
        return names.max { likeness($0) < likeness($1) } ?? []
    }
}
