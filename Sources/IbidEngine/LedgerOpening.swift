import IbidLedger
import IbidStore
import Synchronization

/// A ledger that is opened by a thread of its own, while the command does what comes before its first entry: a snapshot, a
/// build that is in the cache.
final class LedgerOpening: Sendable {
    private final class Box: Sendable {
        let result = Mutex<Result<Ledger, any Error>?>(nil)
    }

    private let box: Box
    /// Nil when it has ended.
    private let thread: Mutex<WorkerThread?>

    /// Begins.
    init(_ open: @escaping @Sendable () throws -> Ledger) throws {
        let box = Box()
        self.box = box
        thread = Mutex(
            try WorkerThread {
                let result = Result { try open() }
                box.result.withLock { $0 = result }
            })
    }

    deinit { wait() }

    /// The ledger, when it is open.
    ///
    /// - Throws: what kept it from being opened.
    var ledger: Ledger {
        get throws {
            wait()
            guard let result = box.result.withLock({ $0 }) else {
                preconditionFailure("a thread that has ended leaves a result")
            }
            return try result.get()
        }
    }

    private func wait() {
        thread.withLock { thread in
            thread?.join()
            thread = nil
        }
    }
}
