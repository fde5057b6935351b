import IbidContainer
import IbidCrypto
import IbidLedger
public import IbidModel
import IbidRuntime
import IbidStore
import SystemPackage

extension Engine {
    /// Evaluates a recorded run again and enters the verdict.
    ///
    /// Everything comes from the record and the store; the repository may be gone. All bytes that the record names
    /// are hashed first: a run on altered bytes would prove nothing.
    ///
    /// - Throws: `IbidError` when the run is not recorded or was never finished. What keeps it from being tried is a
    ///   verdict, not an error.
    public func replay(_ run: RunID, events: @escaping EventSink) throws -> ReplayReport {
        let outcome = try outcome(of: run)
        let recorded = RecordedRun(statement: try outcome.readStatement())
        var report = ReplayReport(
            run: try moment.runID(), replayOf: run, verdict: .unverifiable, expectedImage: recorded.image,
            outputs: [])
        let started = moment.now()
        do {
            let evidence = try recorded.load(from: store)
            report.actualImage = evidence.spec.image
            let workspace = try RunWorkspace(home: home, run: report.run)
            defer { workspace.release() }
            if stopsOnSignals { try stop.throwOnSignals() }
            events(.runStarted(report.run, command: evidence.spec.command))
            let (result, measurement) = try RunExecutor(store: store, layers: layers, host: containers).run(
                evidence.spec, workspace: workspace.directory, stdout: { events(.stdout(Array($0))) },
                stderr: { events(.stderr(Array($0))) }, stop: stop)
            let comparison = Comparison(rules: evidence.spec.compare, expected: evidence.result, actual: result)
            report.outputs = comparison.verdicts
            report.verdict = comparison.verdict
            report.reason = comparison.reason
            report.ledger = try enter(
                report, original: outcome, recorded: recorded, actual: try store.put(canonical: result),
                finished: measurement.finishedAt, started: started)
        } catch let error as IbidError where error.exit == .verificationFailed {
            report.reason = error.message
            report.ledger = try enter(
                report, original: outcome, recorded: recorded, actual: nil, finished: moment.now(), started: started)
        }
        return report
    }

    private func enter(
        _ report: ReplayReport, original: LedgerEntry, recorded: RecordedRun, actual: Digest?, finished: Timestamp,
        started: Timestamp
    ) throws -> LedgerReference {
        let statement = report.statement(
            original: .sha256(of: original.envelope.payload), recorded: recorded, actual: actual, started: started,
            finished: finished)
        return LedgerReference(try ledger.append(statement))
    }
}

extension IbidError {
    static func runUnfinished(_ run: RunID) -> IbidError {
        IbidError("run-unfinished", "run \(run) has no outcome to compare with: it is still running or was interrupted")
    }
}
