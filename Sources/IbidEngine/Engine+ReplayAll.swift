import Glibc
import IbidContainer
public import IbidModel
import Synchronization

extension Engine {
    /// The recorded runs that a query means and that can be done again, newest first.
    ///
    /// Runs that were refused or never ended have nothing to compare with and are left out.
    public func replayableRuns(matching query: RunFilter, limit: Int?) throws -> [RunID] {
        let reports = try runs(matching: query, limit: nil).filter { $0.result != nil && $0.status != .refused }
        return reports.prefix(limit ?? .max).map(\.run)
    }

    /// Replays several runs, some at a time. Each verdict is entered as it comes.
    ///
    /// - Parameters:
    ///   - jobs: how many run at one time.
    ///   - finished: told of each as it ends, with how many have ended; one call at a time.
    /// - Returns: the reports, in the order of the runs. After an interruption, those that ended before it.
    /// - Throws: the first error; the others that have begun are brought to their ends first.
    public func replay(
        _ runs: [RunID], jobs: Int, options: ReplayOptions, events: @escaping EventSink,
        finished: @escaping @Sendable (ReplayReport, Int) -> Void
    ) throws -> [ReplayReport] {
        if stopsOnSignals { try stop.throwOnSignals() }
        let verified = VerifiedBlobs()
        let state = Mutex<(reports: [Int: ReplayReport], failure: (any Error)?)>(([:], nil))
        try concurrently(runs.count, workers: jobs) { index in
            guard !stop.isThrown, state.withLock({ $0.failure == nil }) else { return }
            do {
                let report = try replay(runs[index], options: options, verified: verified, events: events)
                // What was interrupted says nothing of the run.
                if stop.isThrown { return }
                state.withLock { state in
                    state.reports[index] = report
                    finished(report, state.reports.count)
                }
            } catch {
                state.withLock { if $0.failure == nil { $0.failure = error } }
            }
        }
        let (reports, failure) = state.withLock { $0 }
        if let failure { throw failure }
        return reports.sorted { $0.key < $1.key }.map(\.value)
    }
}

/// Calls a body for each index below a count, on so many threads; returns when all calls have.
func concurrently(_ count: Int, workers: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    let next = Mutex(0)
    let work = Work {
        while true {
            let index = next.withLock { next in
                next += 1
                return next - 1
            }
            guard index < count else { return }
            body(index)
        }
    }
    var threads: [pthread_t] = []
    defer { for thread in threads { pthread_join(thread, nil) } }
    for _ in 0..<min(count, max(1, workers)) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(work)
        let failed = pthread_create(&thread, nil, runWork, argument.toOpaque())
        guard failed == 0 else {
            argument.release()
            if threads.isEmpty { throw IbidError.system("start", "a thread", String(cString: strerror(failed))) }
            break  // the others do it
        }
        threads.append(thread)
    }
}

private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

// A free function: a closure here would be bound to the actor of whoever starts the thread.
private func runWork(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
    return nil
}
