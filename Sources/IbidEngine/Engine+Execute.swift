import IbidContainer
import IbidLedger
import IbidModel
import IbidRuntime
import IbidStore

/// A run that has ended; what it wrote is in the store.
struct EndedRun: Sendable {
    var facts: RunFacts
    var workspace: RunWorkspace
    var result: RunResult
    var measurement: RunMeasurement
}

extension Engine {
    /// The newest run of this spec and commit that succeeded and whose bytes are all still there.
    func reusableRun(_ facts: RunFacts) throws -> RunReport? {
        for named in try ledger.entries(naming: facts.specDigest).reversed() where named.role == "dependency" {
            guard case .run(let run) = try ledger.entry(at: named.leafIndex).kind else { continue }
            var report = try self.report(for: run)
            guard report.spec == facts.specDigest, report.status == .succeeded,
                report.source.commit == facts.source.commit,
                report.source.tree == facts.source.tree, report.source.dirty == facts.source.dirty,
                (report.outputs.map(\.digest) + [report.stdout, report.stderr].compactMap { $0 })
                    .allSatisfy({ store.contains($0) })
            else { continue }
            report.cached = true
            report.build = facts.build
            return report
        }
        return nil
    }

    /// Runs it, and returns when its outcome is entered.
    func execute(
        _ facts: RunFacts, ports: PortForwarder? = nil, events: @escaping EventSink
    ) throws -> RunReport {
        let ended = try perform(facts, ports: ports, events: events) { _ = try ledger.append($0) }
        // Outputs and streams are in the store.
        return try ended.workspace.release {
            let statement = try outcome(of: ended)
            let report = try report(of: ended, statement, at: try ledger.append(statement))
            events(.runFinished(report))
            return report
        }
    }

    /// Runs it. Its outcome is for the caller to enter, its workspace to be released.
    ///
    /// - Parameter enter: enters the intent; when it returns, that is on disk.
    func perform(
        _ facts: RunFacts, ports: PortForwarder? = nil, events: @escaping EventSink, enter: (Statement) throws -> Void
    ) throws -> EndedRun {
        // What the machine cannot give is refused before the run begins.
        try containers.requireIsolation()
        let workspace = try RunWorkspace(home: home, run: facts.run)
        do {
            let (result, measurement) = try start(facts, ports: ports, in: workspace, events: events, enter: enter)
            return EndedRun(facts: facts, workspace: workspace, result: result, measurement: measurement)
        } catch {
            workspace.release()
            throw error
        }
    }

    /// What is to be entered of a run, whose result is stored for that.
    func outcome(of run: EndedRun) throws -> Statement {
        run.facts.outcome(run.result, digest: try store.put(canonical: run.result), run.measurement)
    }

    /// The report of a run whose outcome is entered.
    func report(of run: EndedRun, _ outcome: Statement, at position: LedgerPosition) throws -> RunReport {
        var report = try RunReport(
            statement: outcome, ledger: LedgerReference(position), store: store, outputs: run.result.outputs)
        report.build = run.facts.build
        return report
    }

    private func start(
        _ facts: RunFacts, ports: PortForwarder?, in workspace: RunWorkspace, events: @escaping EventSink,
        enter: (Statement) throws -> Void
    ) throws -> (RunResult, RunMeasurement) {
        var intent = Entering.before
        do {
            return try RunExecutor(store: store, layers: layers, host: containers).run(
                facts.spec, workspace: workspace.directory, stdout: { events(.stdout(Array($0))) },
                stderr: { events(.stderr(Array($0))) }, ports: ports, stop: stop
            ) {
                // On disk before the command starts; what comes before that, its container, is made at the same time.
                intent = .failed
                try enter(facts.intent())
                intent = .done
                if stopsOnSignals { try stop.throwOnSignals() }
                events(.runStarted(facts.run, command: facts.spec.command))
            }
        } catch let error as IbidError {
            // A run that Ibid could not start is a fact like any other; that it could not be entered is none.
            if intent == .before { try enter(facts.intent()) }
            if intent != .failed { try enterRefusal(facts, error) }
            throw error
        }
    }

    private enum Entering {
        case before
        case failed
        case done
    }

    private func enterRefusal(_ facts: RunFacts, _ error: IbidError) throws {
        let empty = try store.put([])
        let result = RunResult(
            status: .refused, exitCode: nil, reason: error.message, outputs: [], stdout: empty, stderr: empty)
        let now = moment.now()
        let measurement = RunMeasurement(
            startedAt: facts.startedAt, finishedAt: now, wallMicroseconds: 0, cpuMicroseconds: 0, peakMemoryBytes: nil,
            host: [:])
        _ = try ledger.append(facts.outcome(result, digest: try store.put(canonical: result), measurement))
    }
}
