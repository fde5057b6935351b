import IbidContainer
import IbidJob
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
        let work: @Sendable () -> Void = {
            while let index = state.withLock({ state -> Int? in
                guard state.next < rows.count, !stop.isThrown else { return nil }
                state.next += 1
                return state.next - 1
            }) {
                let outcome = Result { try run(prepared, request, params: params[index], events: { _ in }) }
                    .mapError { $0 as? IbidError ?? IbidError("unexpected", "\($0)") }
                state.withLock { $0.outcomes[index] = outcome }
                finished(SweepRow(params: rows[index], outcome: outcome))
            }
        }
        let threads = try (0..<min(jobs, rows.count)).map { _ in try WorkerThread(work) }
        for thread in threads { thread.join() }
        let outcomes = state.withLock { $0.outcomes }
        return zip(rows, outcomes).map { SweepRow(params: $0, outcome: $1 ?? .failure(.notStarted)) }
    }
}

extension IbidError {
    fileprivate static let notStarted = IbidError(
        "not-started", "interrupted before this run was started", exit: .interrupted)
}
