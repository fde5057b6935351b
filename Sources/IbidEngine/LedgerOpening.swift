import IbidLedger
import IbidStore
import Synchronization

/// A ledger that is opened by a thread of its own, while the command does what comes before its first entry: a snapshot, a
/// build that is in the cache.
final class LedgerOpening: Sendable {
    private enum State {
        case opening(WorkerThread)
        case done(Result<Ledger, any Error>)
    }

    private final class Box: Sendable {
        let result = Mutex<Result<Ledger, any Error>?>(nil)
    }

    private let box: Box
    private let state: Mutex<State>

    /// Begins.
    init(_ open: @escaping @Sendable () throws -> Ledger) throws {
        let box = Box()
        self.box = box
        state = Mutex(
            .opening(
                try WorkerThread {
                    let result = Result { try open() }
                    box.result.withLock { $0 = result }
                }))
    }

    deinit { _ = outcome }

    /// The ledger, when it is open.
    ///
    /// - Throws: what kept it from being opened.
    var ledger: Ledger { get throws { try outcome.get() } }

    private var outcome: Result<Ledger, any Error> {
        state.withLock { state in
            switch state {
            case .done(let result): return result
            case .opening(let thread):
                thread.join()
                guard let result = box.result.withLock({ $0 }) else {
                    preconditionFailure("a thread that has ended leaves a result")
                }
                state = .done(result)
                return result
            }
        }
    }
}
