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
        if spec.determinism != .strict {
            free += [.clock, .fileTimes, .randomness]
            if spec.sortsDirectories != true { free.append(.directories) }
            free.append(.addresses)
        }
        return free + [.elapsed, .inodes]
    }

    /// The probes that a spec needs.
    ///
    /// Each thing is varied twice: an output that follows it follows twice, and one that follows nothing but chance does
    /// not.
    static func all(for spec: RunSpec, holding layers: [Cause.Layer]) -> [Probe] {
        // Runs that should be the same are spread over the time that all of them take: what drifts with time (free space on
        // a disk, say) then shows as what nothing holds still.
        let turns = (1...2).map { turn in
            [Probe(kind: .still, turn: turn), Probe(kind: .again, turn: turn)]
                + layers.map { Probe(kind: .varied($0), turn: turn) }
        }
        return turns.joined() + (3...4).map { Probe(kind: .still, turn: $0) }
    }

    /// Whether a thing can be given one other value, with which both turns are then the same.
    static func isRepeatable(_ layer: Cause.Layer) -> Bool { ![.addresses, .elapsed, .inodes].contains(layer) }

    /// The spec and the setup of this probe.
    func arrange(_ spec: RunSpec, holding layers: [Cause.Layer]) -> (spec: RunSpec, setup: ExecutionSetup) {
        var (spec, setup) = (spec, ExecutionSetup(spec))
        if kind == .again { return (spec, setup) }
        let epoch = spec.environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? 1_700_000_000
        let (later, earlier) = (String(epoch + 400 * 86_400 + 3_661), String(epoch - 400 * 86_400 - 3_661))
        spec.environment["LD_PRELOAD"] = Self.preload(spec.environment["LD_PRELOAD"])
        // By a file, not by variables: an analysis that writes down its environment must not follow all of them.
        setup.settings = ExecutionSetup.strict(spec)
        setup.settings["SMALL_STEPS"] = "1"
        setup.processors = 1
        for layer in layers {
            let isVaried = kind == .varied(layer)
            switch layer {
            case .hashSeed: spec.environment["PYTHONHASHSEED"] = isVaried ? "1" : "0"
            case .threads: spec.environment["OMP_NUM_THREADS"] = isVaried ? "2" : "1"
            case .clock: if isVaried { setup.settings["CLOCK"] = later }
            case .fileTimes: if isVaried { setup.settings["FILE_TIMES"] = earlier }
            case .randomness: if isVaried { setup.settings["SEED"] = "1" }
            case .directories: if isVaried { setup.settings["DIRECTORIES"] = "2" }
            case .addresses: setup.fixedAddresses = !isVaried
            case .elapsed: if !isVaried { setup.settings["ELAPSED"] = "1" }
            case .inodes: if !isVaried { setup.settings["INODES"] = "1" }
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
