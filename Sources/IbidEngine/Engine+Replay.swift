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
    /// Everything comes from the record and the store; the repository may be gone. All bytes that the run depends on
    /// are hashed first: a run on altered bytes would prove nothing. The rules of comparison are those that were sealed
    /// with the run; there is no way to give others.
    ///
    /// - Throws: `IbidError` when the run is not recorded or was never finished. What keeps it from being tried is a
    ///   verdict, not an error.
    public func replay(
        _ run: RunID, options: ReplayOptions = ReplayOptions(), events: @escaping EventSink
    ) throws -> ReplayReport {
        if stopsOnSignals { try stop.throwOnSignals() }
        return try replay(run, options: options, verified: VerifiedBlobs(), events: events)
    }

    func replay(
        _ run: RunID, options: ReplayOptions, verified: VerifiedBlobs, events: @escaping EventSink
    ) throws -> ReplayReport {
        let outcome = try outcome(of: run)
        let statement = try outcome.readStatement()
        let recorded = RecordedRun(statement: statement)
        var report = ReplayReport(
            run: try moment.runID(), replayOf: run, job: recorded.job, verdict: .unverifiable,
            expectedImage: recorded.image, outputs: [])
        let started = moment.now()
        do {
            // First, so that an image which is gone is there again, if it can be built.
            if options.rebuild {
                report.actualImage = try rebuild(
                    try RunReport(
                        statement: statement, ledger: LedgerReference(try ledger.position(of: outcome.leafIndex)),
                        store: store), recorded, events: events)
            }
            let evidence = try recorded.load(from: store, verified: verified)
            if options.deep { try recorded.proveEverything(in: store, verified: verified) }
            report.actualImage = report.actualImage ?? evidence.spec.image
            if let ports = evidence.spec.ports { throw IbidError.served(run, ports) }
            let (spec, lowered) = options.anyCPU ? Self.lowered(evidence.spec) : (evidence.spec, nil)
            events(.runStarted(report.run, command: spec.command))
            let (result, measurement) = try evaluate(spec, as: report.run, events: events)
            let comparison = try Comparison(
                rules: evidence.spec.compare, expected: evidence.result, actual: result, store: store,
                viewer: OutputViewer(engine: self))
            report.outputs = comparison.verdicts
            report.verdict = comparison.verdict
            report.reason = comparison.reason ?? lowered
            if options.explain && report.outputs.contains(where: { $0.verdict == .different }) {
                let search = CauseSearch(
                    engine: self, spec: spec, expected: evidence.result, replayed: result, host: measurement.host,
                    recordedHost: recorded.host, wallMicroseconds: measurement.wallMicroseconds)
                report.outputs = try search.explained(report.outputs, events: events)
            }
            if report.actualImage != report.expectedImage {
                report.verdict = .different
                report.reason = "the image, built again from its source and lock, has another digest"
            }
            report.ledger = try enter(
                report, original: outcome, recorded: recorded, actual: try store.put(canonical: result),
                finished: measurement.finishedAt, started: started)
        } catch let error as IbidError where Self.meansUnverifiable(error) {
            report.verdict = .unverifiable
            report.reason = error.message
            if let image = report.actualImage, image != report.expectedImage {
                report.reason = "\(error.message); built again from its source and lock, the image has another digest"
            }
            report.ledger = try enter(
                report, original: outcome, recorded: recorded, actual: nil, finished: moment.now(), started: started)
        }
        return report
    }

    /// The spec as this machine can do it, and a word on that when it cannot do it as it was.
    private static func lowered(_ spec: RunSpec) -> (RunSpec, String?) {
        guard let level = spec.cpu, let machine = Machine.level, !machine.covers(level) else { return (spec, nil) }
        var spec = spec
        spec.cpu = machine
        spec.environment = CPUPins.replacing(level, by: machine, in: spec.environment)
        return (spec, "tried with the kernels of \(machine.rawValue); the run used those of \(level.rawValue)")
    }

    /// Runs a spec once in a workspace of its own.
    func evaluate(
        _ spec: RunSpec, as run: RunID, setup: ExecutionSetup? = nil, events: @escaping EventSink
    ) throws -> (result: RunResult, measurement: RunMeasurement) {
        let workspace = try RunWorkspace(home: home, run: run)
        defer { workspace.release() }
        return try RunExecutor(store: store, layers: layers, host: containers).run(
            spec, workspace: workspace.directory, stdout: { events(.stdout(Array($0))) },
            stderr: { events(.stderr(Array($0))) }, stop: stop,
            setup: setup)
    }

    // Something that the run needs is not here, as opposed to something that went wrong.
    private static func meansUnverifiable(_ error: IbidError) -> Bool {
        let codes = [
            "platform-mismatch", "run-served", "cpu-level", "runtime-missing", "runtime-unsupported", "profile-unknown",
        ]
        return error.exit == .verificationFailed || codes.contains(error.code)
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
    /// Nothing that is recorded says what others sent to it.
    static func served(_ run: RunID, _ ports: [Int]) -> IbidError {
        let list = ports.map(String.init).joined(separator: ", ")
        return IbidError(
            "run-served",
            "run \(run) took what came in through port \(list), and nobody recorded what that was: "
                + "it cannot be repeated")
    }

    static func runUnfinished(_ run: RunID) -> IbidError {
        IbidError("run-unfinished", "run \(run) has no outcome to compare with: it is still running or was interrupted")
    }
}
