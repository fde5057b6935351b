import IbidContainer
import IbidModel
import IbidStore
import Synchronization

/// The bytes that a run may still write to stdout and stderr together.
final class StreamBudget: Sendable {
    private let limit: Int64
    private let full: ContainerStop
    private let taken = Mutex<Int64>(0)

    init(limit: Int64, full: ContainerStop) {
        self.limit = limit
        self.full = full
    }

    /// Bytes that were kept so far.
    var used: Int64 { taken.withLock { $0 } }

    /// How many of `count` bytes may be kept; when not all, the run is ended.
    func take(_ count: Int) -> Int {
        let granted = taken.withLock { taken in
            let granted = min(Int64(count), max(0, limit - taken))
            taken += granted
            return Int(granted)
        }
        if granted < count { full.stop(reason: outputLimit(bytes: limit)) }
        return granted
    }

    /// Ends the run because its output cannot be kept.
    func giveUp() { full.stop(reason: "its output could not be stored") }
}

/// Keeps one stream as a blob while it is written, and shows it to whoever watches.
///
/// Unchecked, as its users follow one another: one reader thread calls `add`, and `finish` comes after that thread has
/// been joined.
final class StreamRecorder: @unchecked Sendable {
    private let store: Store
    /// Made for the first byte: most runs say nothing on one of the two.
    private var writer: BlobWriter?
    private let budget: StreamBudget
    private let live: RunExecutor.LiveSink?
    private var failure: (any Error)?

    init(store: Store, budget: StreamBudget, live: RunExecutor.LiveSink?) {
        self.store = store
        self.budget = budget
        self.live = live
    }

    /// Adds what the command wrote.
    func add(_ bytes: UnsafeRawBufferPointer) {
        let kept = UnsafeRawBufferPointer(rebasing: bytes.prefix(budget.take(bytes.count)))
        guard !kept.isEmpty, failure == nil else { return }
        live?(kept)
        do {
            let writer = try writer ?? store.writer()
            self.writer = writer
            try writer.write(kept)
        } catch {
            failure = error
            budget.giveUp()
        }
    }

    /// The blob of everything that was kept.
    ///
    /// - Throws: the first failure to store it.
    func finish() throws -> Digest {
        if let failure { throw failure }
        return try writer?.finish().digest ?? store.put([])
    }
}
