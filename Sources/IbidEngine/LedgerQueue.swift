import Glibc
import IbidLedger
import IbidModel
import IbidStore

/// Enters what runs that go on side by side have to say: statements that come together share one transaction, one checkpoint
/// and one flush of the disk.
///
/// An intent is entered at once, as its command waits for it. An outcome may wait a moment for the next intent: whoever
/// brings it has a run to prepare meanwhile, and hears of it when it is on disk.
final class LedgerQueue: @unchecked Sendable {
    typealias Answer = Result<LedgerPosition, any Error>

    private final class Entry {
        let statement: Statement
        let spec: Digest?
        let entered: ((Answer) -> Void)?
        var answer: Answer?

        init(_ statement: Statement, spec: Digest? = nil, entered: ((Answer) -> Void)? = nil) {
            (self.statement, self.spec, self.entered) = (statement, spec, entered)
        }
    }

    /// How long an outcome waits for company.
    private static let patience: Int = 10_000_000

    private let append: @Sendable ([Statement]) throws -> [LedgerPosition]
    // The rest is guarded by `mutex`; the pthread objects need one address for their whole life.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Entry] = []
    private var isUrgent = false
    private var isOver = false
    /// Specs of runs whose outcome is not entered yet.
    private var unsettled: [Digest: Int] = [:]
    private var thread: WorkerThread?

    /// Starts its thread; whoever made it calls `end`.
    ///
    /// - Parameter append: enters statements together, all or none; when it returns they are on disk.
    init(append: @escaping @Sendable ([Statement]) throws -> [LedgerPosition]) throws {
        self.append = append
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
        thread = try WorkerThread { self.work() }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Enters a statement; it is on disk when this returns.
    func enter(_ statement: Statement) throws -> LedgerPosition {
        let entry = Entry(statement)
        return try locked {
            waiting.append(entry)
            hurry()
            while true {
                if let answer = entry.answer { return answer }
                pthread_cond_wait(changed, mutex)
            }
        }.get()
    }

    /// Enters the outcome of a run soon.
    ///
    /// - Parameter entered: called once, on another thread, when it is on disk or cannot be.
    func add(_ outcome: Statement, spec: Digest, entered: @escaping @Sendable (Answer) -> Void) {
        locked {
            waiting.append(Entry(outcome, spec: spec, entered: entered))
            unsettled[spec, default: 0] += 1
            pthread_cond_broadcast(changed)
        }
    }

    /// Returns when every outcome of a spec that was added is entered.
    func settle(_ spec: Digest) {
        locked {
            while unsettled[spec] != nil {
                hurry()
                pthread_cond_wait(changed, mutex)
            }
        }
    }

    /// Enters everything and ends.
    func end() {
        locked {
            isOver = true
            pthread_cond_broadcast(changed)
        }
        thread?.join()
        thread = nil
    }

    private func hurry() {
        isUrgent = true
        pthread_cond_broadcast(changed)
    }

    private func locked<T>(_ body: () -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    // MARK: The thread

    private func work() {
        while let entries = next() {
            let result = Result { try append(entries.map(\.statement)) }
            locked {
                for (index, entry) in entries.enumerated() { entry.answer = result.map { $0[index] } }
                pthread_cond_broadcast(changed)
            }
            for entry in entries {
                if let answer = entry.answer { entry.entered?(answer) }
            }
            locked {
                for spec in entries.compactMap(\.spec) {
                    let left = (unsettled[spec] ?? 1) - 1
                    unsettled[spec] = left > 0 ? left : nil
                }
                pthread_cond_broadcast(changed)
            }
        }
    }

    /// What is to be entered now; nil at the end.
    private func next() -> [Entry]? {
        locked {
            while waiting.isEmpty, !isOver { pthread_cond_wait(changed, mutex) }
            var deadline = timespec()
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            deadline.tv_nsec += Self.patience
            deadline.tv_sec += deadline.tv_nsec / 1_000_000_000
            deadline.tv_nsec %= 1_000_000_000
            while !isUrgent, !isOver, pthread_cond_timedwait(changed, mutex, &deadline) != ETIMEDOUT {}
            defer { (waiting, isUrgent) = ([], false) }
            return waiting.isEmpty ? nil : waiting
        }
    }
}
