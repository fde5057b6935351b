import IbidContainer
import IbidJob
import IbidLedger
public import IbidModel
import IbidStore
import Synchronization

/// One run of many: its parameters, and what came of it.
public struct SweepRow: Sendable {
    /// The parameters that this row sets.
    public var params: [String: String]
    /// The recorded run, or what kept Ibid from running it.
    public var outcome: Result<RunReport, IbidError>
}

extension Engine {
    /// Runs one job many times: snapshot and build once, then a recorded run for each row of parameters, some at a
    /// time.
    ///
    /// A row that fails does not keep the others from running. An interruption ends those that run, and starts no more.
    ///
    /// - Parameters:
    ///   - rows: parameters, which are put over those of the request.
    ///   - jobs: how many run at one time.
    ///   - finished: told of each row as it ends, from several threads.
    /// - Returns: the rows in their order.
    /// - Throws: when no row can be run: an unknown parameter, a build that fails.
    public func submit(
        _ request: SubmitRequest, rows: [[String: String]], jobs: Int, events: @escaping EventSink,
        finished: @escaping @Sendable (SweepRow) -> Void
    ) throws -> [SweepRow] {
        let prepared = try prepare(request, events: events)
        let params = rows.map { request.params.merging($0) { $1 } }
        for row in params { _ = try prepared.job.setting(params: row) }
        if stopsOnSignals { try stop.throwOnSignals() }
        let state = Mutex((next: 0, outcomes: [Result<RunReport, IbidError>?](repeating: nil, count: rows.count)))
        let ledger = try ledger
        let queue = try LedgerQueue { try ledger.append($0) }
        let work: @Sendable () -> Void = {
            while let index = state.withLock({ state -> Int? in
                guard state.next < rows.count, !stop.isThrown else { return nil }
                state.next += 1
                return state.next - 1
            }) {
                run(prepared, request, params: params[index], queue: queue) { result in
                    let outcome = result.mapError { $0 as? IbidError ?? IbidError("unexpected", "\($0)") }
                    state.withLock { $0.outcomes[index] = outcome }
                    finished(SweepRow(params: rows[index], outcome: outcome))
                }
            }
        }
        do {
            var threads: [WorkerThread] = []
            defer {
                for thread in threads { thread.join() }
                queue.end()
            }
            for _ in 0..<min(jobs, rows.count) { threads.append(try WorkerThread(work)) }
        }
        let outcomes = state.withLock { $0.outcomes }
        return zip(rows, outcomes).map { SweepRow(params: $0, outcome: $1 ?? .failure(.notStarted)) }
    }

    /// One run of many.
    ///
    /// - Parameter ended: called once, with a run whose outcome is on disk; while that goes there, the next run is made.
    private func run(
        _ prepared: PreparedJob, _ request: SubmitRequest, params: [String: String], queue: LedgerQueue,
        ended: @escaping @Sendable (Result<RunReport, any Error>) -> Void
    ) {
        do {
            let facts = try facts(of: prepared, request, params: params)
            if !request.fresh {
                // A row may come twice: the second is answered by the first.
                queue.settle(facts.specDigest)
                if let earlier = try reusableRun(facts) { return ended(.success(earlier)) }
            }
            let run = try perform(facts, events: { _ in }) { _ = try queue.enter($0) }
            let statement: Statement
            do {
                statement = try outcome(of: run)
            } catch {
                run.workspace.release()
                throw error
            }
            run.workspace.empty()
            queue.add(statement, spec: facts.specDigest) { answer in
                run.workspace.unlock()
                ended(Result { try report(of: run, statement, at: try answer.get()) })
            }
        } catch {
            ended(.failure(error))
        }
    }
}

extension IbidError {
    fileprivate static let notStarted = IbidError(
        "not-started", "interrupted before this run was started", exit: .interrupted)
}
