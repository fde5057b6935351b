import IbidLedger
import IbidStore
import Synchronization

/// A ledger that is opened by a thread of its own, while the command does what comes before its first entry: a snapshot, a
/// build that is in the cache.
final class LedgerOpening: Sendable {
    /// Unchecked: the condition guards the result.
    private final class Box: @unchecked Sendable {
        private let condition = Condition()
        private var result: Result<Ledger, any Error>?

        func put(_ result: Result<Ledger, any Error>) {
            condition.withLock {
                self.result = result
                condition.broadcast()
            }
        }

        func get() throws -> Ledger {
            try condition.withLock {
                while true {
                    if let result { return try result.get() }
                    condition.wait()
                }
            }
        }
    }

    private let box: Box
    private let thread: Mutex<WorkerThread?>

    /// Begins.
    ///
    /// - Parameter after: what the thread does when the ledger is there, and whoever waits for it goes on.
    init(_ open: @escaping @Sendable () throws -> Ledger, after: @escaping @Sendable () -> Void) throws {
        let box = Box()
        self.box = box
        thread = Mutex(
            try WorkerThread {
                box.put(Result { try open() })
                after()
            })
    }

    deinit { thread.withLock { $0?.join() } }

    /// The ledger, when it is open.
    ///
    /// - Throws: what kept it from being opened.
    var ledger: Ledger { get throws { try box.get() } }
}
