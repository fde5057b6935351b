import IbidModel
import IbidStore

extension RunReport {
    /// Reads a run back from its statements: the outcome, or the intent of a run that has none.
    ///
    /// - Parameter outputs: those of the result, when they are known already.
    /// - Throws: `malformed-statement` when a statement is not one that Ibid writes.
    init(statement: Statement, ledger: LedgerReference, store: Store, outputs known: [RunOutput]? = nil) throws {
        guard let definition = statement.predicate["buildDefinition"], let details = statement.predicate["runDetails"],
            let internals = definition["internalParameters"], let externals = definition["externalParameters"],
            let metadata = details["metadata"], let run = metadata["invocationId"]?.string.flatMap({ RunID($0) }),
            let spec = internals["spec"]?.string.flatMap({ Digest($0) }),
            let image = internals["image"]?.string.flatMap({ Digest($0) }),
            let started = metadata["startedOn"]?.string.flatMap({ Timestamp($0) }),
            let source = SourceSnapshot(internals: internals, externals: externals)
        else { throw IbidError.malformedStatement(ledger.leafIndex) }
        self.run = run
        self.spec = spec
        self.image = image
        self.source = source
        self.ledger = ledger
        startedAt = started
        job = externals["job"]?.string ?? ""
        command = externals["command"]?.array?.compactMap(\.string) ?? []
        params = externals["parameters"]?.object?.compactMapValues(\.string) ?? [:]
        determinism = internals["determinism"]?.string
        cpuLevel = internals["cpuLevel"]?.string
        host = details["builder"]?["version"]?.object?.compactMapValues(\.string) ?? [:]
        cached = false
        inputs = [:]
        for dependency in definition["resolvedDependencies"]?.array ?? [] {
            guard let name = dependency["name"]?.string, name.hasPrefix("inputs/"),
                let digest = dependency["digest"]?["sha256"]?.string.flatMap({ Digest(hex: $0) })
            else { continue }
            let kind = dependency["annotations"]?["kind"]?.string.flatMap { RunSpec.Input.Kind(rawValue: $0) }
            let size = store.contains(digest) ? try store.size(of: digest) : 0
            inputs[String(name.dropFirst(7))] = RunSpec.Input(kind: kind ?? .file, digest: digest, size: size)
        }
        let byproducts = details["byproducts"]?.array ?? []
        func byproduct(_ name: String) -> JSONValue? { byproducts.first { $0["name"]?.string == name } }
        func digest(_ name: String) -> Digest? {
            byproduct(name)?["digest"]?["sha256"]?.string.flatMap { Digest(hex: $0) }
        }
        let ending = byproduct("logs/stdout.txt")?["annotations"]
        let measured = byproduct("logs/stderr.txt")?["annotations"]
        stdout = digest("logs/stdout.txt")
        stderr = digest("logs/stderr.txt")
        result = statement.subjects.first { $0.name == "result.json" }?.digest
        status = ending?["status"]?.string.flatMap { RunStatus(rawValue: $0) } ?? .refused
        exitCode = (ending?["exitCode"]?.int).map { Int($0) }
        reason = ending?["reason"]?.string
        finishedAt = metadata["finishedOn"]?.string.flatMap { Timestamp($0) } ?? started
        wallMicroseconds = measured?["wallMicroseconds"]?.int ?? 0
        cpuMicroseconds = measured?["cpuMicroseconds"]?.int ?? 0
        peakMemoryBytes = measured?["peakMemoryBytes"]?.int
        writtenBytes = measured?["writtenBytes"]?.int
        limitsReached = measured?["limitsReached"]?.array?.compactMap(\.string) ?? []
        strictCost = measured?["strictCost"].flatMap { cost in
            guard let clock = cost["clock"]?.int, let random = cost["random"]?.int, let files = cost["files"]?.int,
                let directories = cost["directories"]?.int, let time = cost["microseconds"]?.int
            else { return nil }
            return RunMeasurement.StrictCost(
                clock: clock, random: random, files: files, directories: directories, microseconds: time)
        }
        refusedOutputs = measured?["refusedOutputs"]?.object?.compactMapValues(\.string) ?? [:]
        outputs = try known ?? result.map { try store.read(RunResult.self, from: $0).outputs } ?? []
    }
}

extension SourceSnapshot {
    /// The snapshot that an outcome names.
    init?(outcome: Statement) {
        guard let definition = outcome.predicate["buildDefinition"], let internals = definition["internalParameters"],
            let externals = definition["externalParameters"]
        else { return nil }
        self.init(internals: internals, externals: externals)
    }

    fileprivate init?(internals: JSONValue, externals: JSONValue) {
        guard let snapshot = internals["snapshot"],
            let commit = snapshot["commit"]?.string.flatMap({ GitObjectID($0) }),
            let tree = snapshot["tree"]?.string.flatMap({ GitObjectID($0) }),
            let rootTree = snapshot["rootTree"]?.string.flatMap({ GitObjectID($0) }),
            let dirty = snapshot["dirty"]?.bool, let layerSize = snapshot["layerSize"]?.int,
            let layer = snapshot["layer"]?.string.flatMap({ Digest($0) }),
            let proof = snapshot["proof"]?.string.flatMap({ Digest($0) })
        else { return nil }
        let source = externals["source"]
        let origin = source?["uri"]?.string
        self.init(
            commit: commit, tree: tree, rootTree: rootTree, subdirectory: source?["subdirectory"]?.string ?? "",
            dirty: dirty, revision: source?["ref"]?.string ?? "", origin: origin == "" ? nil : origin, layer: layer,
            layerSize: layerSize, proof: proof)
    }
}

extension IbidError {
    static func malformedStatement(_ index: Int64) -> IbidError {
        IbidError(
            "malformed-statement", "entry \(index) of the ledger is not a statement that this version of Ibid reads",
            hint: "check the ledger with 'ibid verify --ledger'", exit: .verificationFailed)
    }
}
