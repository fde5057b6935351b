import IbidContainer
import IbidLedger
import IbidModel
import IbidStore
import SystemPackage

/// Enters the outcome of runs that an ended process left open, and removes what they left.
///
/// A run is open when it has an intent, no outcome, and no process that holds its lock.
struct HomeRepair {
    let home: Home
    let store: Store
    let ledger: Ledger
    let containers: ContainerHost
    let moment: Moment

    /// Does it.
    func run() throws {
        try enterInterrupted()
        for name in try names(in: home.runs) {
            let isLock = name.hasPrefix(".") && name.hasSuffix(".lock")
            if let run = RunID(isLock ? String(name.dropFirst().dropLast(5)) : name) {
                try RunWorkspace.reap(home: home, run: run)
            }
        }
        try containers.sweep()
    }

    private func enterInterrupted() throws {
        let settled = try SettledEntries(ledger: ledger, directory: home.runs)
        let open = try ledger.intentsWithoutOutcome(from: settled.count)
        try settled.keep(open.first?.intentIndex)
        if open.isEmpty { return }
        // One process at a time, so that each run gets one outcome.
        let lock = try FileLock(home.runs.appending(".repair"))
        defer { lock.release() }
        for run in try ledger.intentsWithoutOutcome(from: settled.count).map(\.run)
        where try !RunWorkspace.isLive(home: home, run: run) {
            guard let intent = try ledger.entries(for: run).first(where: { $0.kind == .intent(run) }) else { continue }
            let empty = try store.put([])
            let result = RunResult(
                status: .killed, exitCode: nil, reason: "interrupted: ibid ended before the run did", outputs: [],
                stdout: empty, stderr: empty)
            let statement = try intent.readStatement().interrupted(
                run, result: try store.put(canonical: result), stdout: empty, at: moment.now())
            _ = try ledger.append(statement)
        }
    }
}

extension Statement {
    /// The outcome of a run of which nothing is known but that it began.
    fileprivate func interrupted(_ run: RunID, result: Digest, stdout: Digest, at time: Timestamp) -> Statement {
        var definition = predicate["buildDefinition"]?.object ?? [:]
        definition["buildType"] = .string(Provenance.run)
        var details = predicate["runDetails"]?.object ?? [:]
        var metadata = details["metadata"]?.object ?? [:]
        metadata["finishedOn"] = .string(time.description)
        details["metadata"] = .object(metadata)
        let ending: JSONValue = [
            "status": .string(RunStatus.killed.rawValue), "exitCode": .null,
            "reason": "interrupted: ibid ended before the run did",
        ]
        details["byproducts"] = [
            RunFacts.descriptor("logs/stdout.txt", stdout, annotations: ending),
            RunFacts.descriptor("logs/stderr.txt", stdout),
        ]
        return Statement(
            subjects: [Subject(name: "result.json", digest: result)], predicateType: predicateType,
            predicate: ["buildDefinition": .object(definition), "runDetails": .object(details)])
    }
}
