import CLinux
import Glibc
import IbidContainer
import IbidModel
import IbidStore
import IbidLayer
import Synchronization

/// An open directory, closed when nobody needs it any more.
final class OpenDirectory: Sendable {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}

/// Files that have been found and go into the store together, on all processors.
struct OutputBatch {
    /// One file: where it is, and what it was when it was found.
    struct Entry: Sendable {
        var name: [UInt8]
        var path: [UInt8]
        var status: cl_stat
        var directory: OpenDirectory
        /// Whether it goes to the disk by itself.
        var durable: Bool
    }

    /// So many descriptors of directories may be open at a time, and so many files are told of before the next.
    static let largest = 256
    /// Below this a thread costs more than it spares.
    private static let fewBytes: Int64 = 1 << 20

    private(set) var entries: [Entry] = []
    private var bytes: Int64 = 0

    mutating func add(_ entry: Entry) {
        entries.append(entry)
        bytes += Int64(clamping: entry.status.size)
    }

    var isFull: Bool { entries.count >= Self.largest }

    /// The digests, in order; nil for a file that is not the one that was found, or not as long.
    func store(in store: Store) throws -> [Digest?] {
        let workers =
            bytes < Self.fewBytes && entries.count < 16 ? 1 : min(entries.count, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let state = Mutex(
            (next: 0, digests: [Digest?](repeating: nil, count: entries.count), failure: (any Error)?.none))
        let entries = entries
        let work: @Sendable () -> Void = {
            while let index = state.withLock({ state -> Int? in
                guard state.failure == nil, state.next < entries.count else { return nil }
                state.next += 1
                return state.next - 1
            }) {
                do {
                    let digest = try Self.store(entries[index], in: store)
                    state.withLock { $0.digests[index] = digest }
                } catch {
                    state.withLock { $0.failure = $0.failure ?? error }
                }
            }
        }
        let threads = try (1..<max(1, workers)).map { _ in try WorkerThread(work) }
        work()
        for thread in threads { thread.join() }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.digests
        }
    }

    private static func store(_ entry: Entry, in store: Store) throws -> Digest? {
        let descriptor = withPath(entry.name) {
            openat(entry.directory.descriptor, $0, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        }
        guard descriptor >= 0 else { throw IbidError.system("open", OutputPath.text(entry.path), lastError()) }
        defer { close(descriptor) }
        var opened = cl_stat()
        guard cl_stat_at(descriptor, "", 0, &opened) == 0, opened.inode == entry.status.inode,
            opened.mode & UInt32(S_IFMT) == UInt32(S_IFREG), opened.size == entry.status.size
        else { return nil }
        return try store.adopt(descriptor, size: Int64(clamping: opened.size), durable: entry.durable)
    }
}
