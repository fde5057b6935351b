import IbidCompare
import IbidModel

extension Cause {
    /// - Parameters:
    ///   - output: the output that differs.
    ///   - host: facts of this machine; `recordedHost` those of the recorded run.
    init(
        layers: [Layer], output: OutputVerdict, spec: RunSpec, host: [String: String], recordedHost: [String: String]
    ) {
        self.layers = layers
        let names = layers.map(\.rawValue).joined(separator: " and of ")
        switch layers.first {
        case .environment:
            summary = "gives the same on every run here, and not what was recorded: " + Self.changes(recordedHost, host)
        case .scheduling:
            summary =
                "differs because of scheduling: from run to run, even with everything held still that can be "
                + "(the order of threads and processes, or what the kernel tells of itself)"
        default: summary = "differs because of \(names): \(layers.map(Self.explanation).joined(separator: "; "))"
        }
        advice = Self.advice(layers, output, spec)
    }

    private static func explanation(_ layer: Layer) -> String {
        switch layer {
        case .environment: "the machine"
        case .hashSeed: "the order of sets follows Python's hash seed"
        case .threads: "the number of threads decides the order of additions"
        case .clock: "it holds the time of day"
        case .fileTimes: "it holds times of files"
        case .randomness: "it holds random numbers that nobody seeded"
        case .directories: "it follows the order in which the file system lists names"
        case .addresses: "it holds, or is ordered by, addresses in memory, such as id() or the repr of an object"
        case .elapsed: "it holds how long something took, or when the machine started"
        case .inodes: "it holds inode numbers"
        case .scheduling: "the order of threads or processes"
        }
    }

    private static func changes(_ recorded: [String: String], _ here: [String: String]) -> String {
        // Outside in: what most often changes bits stands first.
        let keys = [
            "platform", "cpu", "cpuLevel", "kernel", "runtime", "isolation", "cgroup", "seccomp", "strict",
            "directories", "ibid",
        ]
        let changed = keys.filter { recorded[$0] != here[$0] && recorded[$0] != nil && here[$0] != nil }
        if changed.isEmpty { return "something of the machine that is not recorded has changed" }
        return changed.map { "\($0) was '\(recorded[$0] ?? "")', is '\(here[$0] ?? "")'" }.joined(separator: "; ")
    }

    private static func advice(_ layers: [Layer], _ output: OutputVerdict, _ spec: RunSpec) -> String {
        let fixable: Set<Layer> = [.clock, .fileTimes, .randomness, .directories, .addresses]
        if layers == [.hashSeed] { return "in [env] of job.toml: PYTHONHASHSEED = \"0\"" }
        if layers == [.threads] { return "in [env] of job.toml: OMP_NUM_THREADS = \"1\"" }
        var advice = ""
        if Set(layers).isSubset(of: fixable.union([.hashSeed])) {
            advice = "at the top of job.toml: determinism = \"strict\""
            if layers.contains(.randomness) {
                advice += ", or seed it: random.seed(N), numpy.random.default_rng(N), random_state=N"
            }
            if layers.contains(.directories) { advice += ", or sort: sorted(os.listdir(…)), sorted(glob.glob(…))" }
            return advice
        }
        let order = output.explanation?.nature == .order
        if layers == [.scheduling] && order { advice = "sort before writing (map instead of imap_unordered); or " }
        return advice + "in [compare] of job.toml: " + rule(output)
    }

    // The narrowest rule that the measured difference satisfies.
    private static func rule(_ output: OutputVerdict) -> String {
        let name = "\"" + output.path.map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\" = "
        if let pattern = output.explanation?.dropPattern {
            return name + "{ rule = \"text\", drop = '''\(pattern)''' }"
        }
        if let tolerance = output.explanation?.tolerance { return name + "{ rule = \"numeric\", rtol = \(tolerance) }" }
        return name + "\"ignore\""
    }
}
