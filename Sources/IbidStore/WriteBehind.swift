import CLinux
import Glibc
import IbidModel

/// Writes a file from front to end on a thread of its own, while its owner makes and hashes what comes next.
///
/// It goes past the page cache where the file system can do that: a copy there of what nobody reads soon costs more
/// processor time than hashing it, and would have to be waited for when the file is flushed.
final class WriteBehind: @unchecked Sendable {
    private struct Block {
        var memory: UnsafeMutableRawBufferPointer
        var count: Int
    }

    /// How many bytes a block has.
    static let blockSize = 4 << 20
    /// What memory, lengths and places of writes past the cache are multiples of (open(2), "O_DIRECT").
    private static let alignment = 4_096

    private let descriptor: Int32
    /// Only the thread changes it.
    private var isDirect: Bool
    // The rest is guarded by `mutex`; the pthread objects need one address for their whole life.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var waiting: [Block] = []
    private var spare: [UnsafeMutableRawBufferPointer]
    private var failure: Int32 = 0
    private var isOver = false
    private var thread: WorkerThread?

    /// Memory for a block; whoever has it in the end deallocates it.
    static func makeBlock() -> UnsafeMutableRawBufferPointer { .allocate(byteCount: blockSize, alignment: alignment) }

    /// Starts the thread. Whoever made it calls `finish` or `abandon`, and keeps the descriptor open until then.
    init(_ descriptor: Int32) throws {
        self.descriptor = descriptor
        isDirect = cl_set_direct(descriptor, 1) == 0
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        // One is being filled, one written; the third keeps either from waiting for the other.
        spare = [Self.makeBlock(), Self.makeBlock()]
        thread = try WorkerThread { self.work() }
    }

    deinit {
        for block in spare + waiting.map(\.memory) { block.deallocate() }
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Takes a full block, and gives an empty one for it.
    ///
    /// - Returns: the block, and the number of the error that an earlier write met; 0 without one.
    func exchange(_ full: UnsafeMutableRawBufferPointer) -> (block: UnsafeMutableRawBufferPointer, error: Int32) {
        locked {
            waiting.append(Block(memory: full, count: full.count))
            pthread_cond_broadcast(changed)
            while spare.isEmpty { pthread_cond_wait(changed, mutex) }
            return (spare.removeLast(), failure)
        }
    }

    /// Takes the last block, waits until everything is written, and ends.
    ///
    /// - Returns: the number of the error that a write met; 0 without one.
    func finish(_ last: UnsafeMutableRawBufferPointer, count: Int) -> Int32 {
        end { waiting.append(Block(memory: last, count: count)) }
        return failure
    }

    /// Ends without writing what still waits.
    func abandon() {
        end {
            spare += waiting.map(\.memory)
            waiting = []
        }
    }

    private func end(_ change: () -> Void) {
        locked {
            change()
            isOver = true
            pthread_cond_broadcast(changed)
        }
        thread?.join()
        thread = nil
    }

    private func locked<T>(_ body: () -> T) -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    // MARK: the thread

    private func work() {
        while let block = next() {
            // After a failure nothing more is written: the owner is about to hear of it.
            let error = failure == 0 ? write(UnsafeRawBufferPointer(rebasing: block.memory[..<block.count])) : 0
            locked {
                if error != 0 { failure = error }
                spare.append(block.memory)
                pthread_cond_broadcast(changed)
            }
        }
    }

    private func next() -> Block? {
        locked {
            while waiting.isEmpty, !isOver { pthread_cond_wait(changed, mutex) }
            return waiting.isEmpty ? nil : waiting.removeFirst()
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        var rest = bytes
        while !rest.isEmpty {
            // The end of the file, or of a write that stopped in the middle.
            if isDirect, rest.count < Self.alignment { useCache() }
            let count = isDirect ? rest.count - rest.count % Self.alignment : rest.count
            let written = Glibc.write(descriptor, rest.baseAddress, count)
            if written < 0 {
                if errno == EINTR { continue }
                guard isDirect, errno == EINVAL else { return errno }
                // The file system wants other multiples.
                useCache()
                continue
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
        return 0
    }

    private func useCache() {
        isDirect = false
        _ = cl_set_direct(descriptor, 0)
    }
}
