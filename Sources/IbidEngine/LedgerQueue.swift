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

    /// How long an outcome waits for company, in nanoseconds.
    private static let patience = 10_000_000

    private let append: @Sendable ([Statement]) throws -> [LedgerPosition]
    /// Guards the rest.
    private let condition = Condition()
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
        thread = try WorkerThread { self.work() }
    }

    /// Enters a statement; it is on disk when this returns.
    func enter(_ statement: Statement) throws -> LedgerPosition {
        let entry = Entry(statement)
        return try condition.withLock {
            waiting.append(entry)
            hurry()
            while true {
                if let answer = entry.answer { return answer }
                condition.wait()
            }
        }.get()
    }

    /// Enters the outcome of a run soon.
    ///
    /// - Parameter entered: called once, on another thread, when it is on disk or cannot be.
    func add(_ outcome: Statement, spec: Digest, entered: @escaping @Sendable (Answer) -> Void) {
        condition.withLock {
            waiting.append(Entry(outcome, spec: spec, entered: entered))
            unsettled[spec, default: 0] += 1
            condition.broadcast()
        }
    }

    /// Returns when every outcome of a spec that was added is entered.
    func settle(_ spec: Digest) {
        condition.withLock {
            while unsettled[spec] != nil {
                hurry()
                condition.wait()
            }
        }
    }

    /// Enters everything and ends.
    func end() {
        condition.withLock {
            isOver = true
            condition.broadcast()
        }
        thread?.join()
        thread = nil
    }

    private func hurry() {
        isUrgent = true
        condition.broadcast()
    }

    // MARK: The thread

    private func work() {
        while let entries = next() {
            let result = Result { try append(entries.map(\.statement)) }
            condition.withLock {
                for (index, entry) in entries.enumerated() { entry.answer = result.map { $0[index] } }
                condition.broadcast()
            }
            for entry in entries {
                if let answer = entry.answer { entry.entered?(answer) }
            }
            condition.withLock {
                for spec in entries.compactMap(\.spec) {
                    let left = (unsettled[spec] ?? 1) - 1
                    unsettled[spec] = left > 0 ? left : nil
                }
                condition.broadcast()
            }
        }
    }

    /// What is to be entered now; nil at the end.
    private func next() -> [Entry]? {
        condition.withLock {
            while waiting.isEmpty, !isOver { condition.wait() }
            let deadline = Condition.Deadline(nanoseconds: Self.patience)
            while !isUrgent, !isOver, condition.wait(until: deadline) {}
            defer { (waiting, isUrgent) = ([], false) }
            return waiting.isEmpty ? nil : waiting
        }
    }
}
