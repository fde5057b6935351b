import IbidModel
import IbidRuntime

/// One of the runs that look for a cause: everything that Ibid can hold still is held still, but for one thing.
struct Probe: Hashable {
    enum Kind: Hashable {
        /// The run as it was recorded, on this machine: twice the same, or flaky?
        case again
        /// Everything held still.
        case still
        /// The same, with one thing otherwise.
        case varied(Cause.Layer)
    }

    var kind: Kind
    /// Tells probes of one kind apart.
    var turn: Int

    /// Things that the spec leaves free and that can be held still.
    static func free(in spec: RunSpec) -> [Cause.Layer] {
        let environment = spec.environment
        var free: [Cause.Layer] = []
        if UInt32(environment["PYTHONHASHSEED"] ?? "") == nil { free.append(.hashSeed) }
        if UInt32(environment["OMP_NUM_THREADS"] ?? "") == nil { free.append(.threads) }
        if environment["IBID_CLOCK"] == nil { free.append(.clock) }
        if environment["IBID_FILE_TIMES"] == nil { free.append(.fileTimes) }
        if environment["IBID_SEED"] == nil { free.append(.randomness) }
        if spec.determinism != .strict { free.append(.addresses) }
        return free + [.elapsed, .inodes]
    }

    /// The probes that a spec needs.
    ///
    /// A thing that can be given another value is tried twice with it: an output that then differs between the two is
    /// not decided by that thing.
    static func all(for spec: RunSpec, holding layers: [Cause.Layer]) -> [Probe] {
        let repeatable: Set<Cause.Layer> = [.hashSeed, .threads, .clock, .fileTimes, .randomness]
        return [Probe(kind: .again, turn: 1), Probe(kind: .again, turn: 2)]
            + (1...3).map { Probe(kind: .still, turn: $0) }
            + layers.flatMap { layer in
                (1...(repeatable.contains(layer) ? 2 : 1)).map { Probe(kind: .varied(layer), turn: $0) }
            }
    }

    /// The spec and the setup of this probe.
    func arrange(_ spec: RunSpec, holding layers: [Cause.Layer]) -> (spec: RunSpec, setup: ExecutionSetup) {
        var (spec, setup) = (spec, ExecutionSetup(spec))
        if kind == .again { return (spec, setup) }
        let epoch = spec.environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? 1_700_000_000
        let (later, earlier) = (String(epoch + 400 * 86_400 + 3_661), String(epoch - 400 * 86_400 - 3_661))
        spec.environment["LD_PRELOAD"] = Self.preload(spec.environment["LD_PRELOAD"])
        setup.processors = 1
        for layer in layers {
            let isVaried = kind == .varied(layer)
            switch layer {
            case .hashSeed: spec.environment["PYTHONHASHSEED"] = isVaried ? "1" : "0"
            case .threads: spec.environment["OMP_NUM_THREADS"] = isVaried ? "2" : "1"
            case .clock: spec.environment["IBID_CLOCK"] = isVaried ? later : String(epoch)
            case .fileTimes: spec.environment["IBID_FILE_TIMES"] = isVaried ? earlier : String(epoch)
            case .randomness: spec.environment["IBID_SEED"] = isVaried ? "1" : "0"
            case .addresses: setup.fixedAddresses = !isVaried
            case .elapsed: if !isVaried { spec.environment["IBID_ELAPSED"] = "1" }
            case .inodes: if !isVaried { spec.environment["IBID_INODES"] = "1" }
            case .environment, .scheduling: break
            }
        }
        return (spec, setup)
    }

    private static func preload(_ current: String?) -> String {
        if let current, current.contains(DeterminismProfile.preload) { return current }
        return RunEnvironment.preload(current)
    }

    /// What is tried, for whoever waits.
    var description: String {
        switch kind {
        case .again: "again as it was"
        case .still: "with everything held still"
        case .varied(let layer): "with \(layer.rawValue) otherwise"
        }
    }
}
