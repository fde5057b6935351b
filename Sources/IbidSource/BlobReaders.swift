import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// A blob to be read: which object database has it, and for which entry of the layer.
struct BlobRequest: Sendable {
    let database: Int
    let id: GitObjectID
    let size: Int
    let entry: Int
}

/// A blob that could not be read; chunks are read ahead, so it need not be the one that was asked for.
struct BlobFailure: Error {
    let request: BlobRequest
    let failure: GitFailure
}

/// Reads blobs ahead of their use, on threads with handles of their own, and hands them out in order.
///
/// Inflating and hashing objects is nearly all of a snapshot's work, and two threads with a handle each do it almost
/// twice as fast as one. What is read ahead is bounded, whatever the repository holds.
enum BlobReaders {
    private static let blobsPerChunk = 256
    private static let bytesPerChunk = 8 << 20
    private static let chunksAhead = 6
    /// Below this many blobs, starting threads costs more than it gives.
    private static let smallest = 128

    /// Calls `body` with a function that gives the next blob each time. No thread is left when this returns.
    ///
    /// - Parameter objects: the object directories that requests name by index.
    static func read<T>(
        _ requests: [BlobRequest], objects: [FilePath], threads: Int = 2,
        _ body: (_ next: () throws -> ObjectContent) throws -> T
    ) throws -> T {
        guard requests.count >= smallest, threads > 1 else {
            var databases: [Int: ObjectDatabase] = [:]
            var rest = requests[...]
            return try body {
                guard let request = rest.popFirst() else { preconditionFailure("every blob is asked for once") }
                return try read(request, objects, &databases)
            }
        }
        let queue = Queue(chunks: chunks(of: requests))
        var workers: [pthread_t] = []
        defer {
            queue.cancel()
            for worker in workers { pthread_join(worker, nil) }
        }
        for _ in 0..<threads {
            let work = Work {
                var databases: [Int: ObjectDatabase] = [:]
                queue.work { range in try range.map { try read(requests[$0], objects, &databases) } }
            }
            var thread = pthread_t()
            let context = Unmanaged.passRetained(work).toOpaque()
            guard pthread_create(&thread, nil, runWork, context) == 0 else {
                Unmanaged<Work>.fromOpaque(context).release()
                throw IbidError.system("start", "a thread", "the system has none left")
            }
            workers.append(thread)
        }
        var current: ArraySlice<ObjectContent> = []
        return try body {
            while true {
                if let content = current.popFirst() { return content }
                current = try queue.next()[...]
            }
        }
    }

    private static func read(
        _ request: BlobRequest, _ objects: [FilePath], _ databases: inout [Int: ObjectDatabase]
    ) throws -> ObjectContent {
        let database: ObjectDatabase
        if let open = databases[request.database] {
            database = open
        } else {
            database = try ObjectDatabase(objects: objects[request.database])
            databases[request.database] = database
        }
        do {
            return try database.read(request.id)
        } catch {
            throw BlobFailure(request: request, failure: error)
        }
    }

    private static func chunks(of requests: [BlobRequest]) -> [Range<Int>] {
        var chunks: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for (index, request) in requests.enumerated() {
            bytes += request.size
            if index + 1 - start == blobsPerChunk || bytes >= bytesPerChunk {
                chunks.append(start..<index + 1)
                (start, bytes) = (index + 1, 0)
            }
        }
        if start < requests.count { chunks.append(start..<requests.count) }
        return chunks
    }

    /// Chunks are taken in order and handed out in order.
    private final class Queue: @unchecked Sendable {
        private let condition = Condition()
        private let chunks: [Range<Int>]
        private var taken = 0
        private var handedOut = 0
        private var done: [Int: Result<[ObjectContent], any Error>] = [:]
        private var cancelled = false

        init(chunks: [Range<Int>]) { self.chunks = chunks }

        func cancel() {
            condition.withLock {
                cancelled = true
                condition.broadcast()
            }
        }

        /// Reads chunks until there are none left.
        func work(_ read: (Range<Int>) throws -> [ObjectContent]) {
            while let index = take() {
                let result = Result { try read(chunks[index]) }
                condition.withLock {
                    done[index] = result
                    condition.broadcast()
                }
            }
        }

        private func take() -> Int? {
            condition.withLock {
                while !cancelled && taken < chunks.count && taken >= handedOut + BlobReaders.chunksAhead {
                    condition.wait()
                }
                guard !cancelled, taken < chunks.count else { return nil }
                taken += 1
                return taken - 1
            }
        }

        /// The next chunk's content, as soon as it is there.
        func next() throws -> [ObjectContent] {
            try condition.withLock {
                while true {
                    if let result = done.removeValue(forKey: handedOut) {
                        handedOut += 1
                        condition.broadcast()
                        return try result.get()
                    }
                    condition.wait()
                }
            }
        }
    }
}

private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

// A free function: a closure may carry the isolation of the place it is written in.
private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body() }
    return nil
}
