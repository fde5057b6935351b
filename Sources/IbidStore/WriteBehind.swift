import CLinux
import Glibc
import IbidCrypto
import IbidModel

/// Hashes and writes a file from front to end, each on a thread of its own, while its owner makes what comes next.
///
/// It goes past the page cache where the file system can do that: a copy there of what nobody reads soon costs more
/// processor time than hashing it, and would have to be waited for when the file is flushed.
final class WriteBehind: @unchecked Sendable {
    private struct Block {
        var memory: UnsafeMutableRawBufferPointer
        var count: Int
        /// How many threads are not done with it.
        var users: Int
    }

    /// How many bytes a block has.
    static let blockSize = 4 << 20
    /// What memory, lengths and places of writes past the cache are multiples of (open(2), "O_DIRECT").
    private static let alignment = 4_096

    private let descriptor: Int32
    /// Only the writing thread changes it.
    private var isDirect: Bool
    /// Only the hashing thread changes it, until that has ended.
    private var hasher: SHA256Hasher?
    /// Guards the rest.
    private let condition = Condition()
    /// What somebody is not done with, oldest first, and the number of the first: blocks are counted from 0.
    private var blocks: [Block] = []
    private var first = 0
    private var spare: [UnsafeMutableRawBufferPointer]
    private var failure: Int32 = 0
    private var isOver = false
    private var isAbandoned = false
    private var threads: [WorkerThread] = []

    /// Memory for a block; whoever has it in the end deallocates it.
    static func makeBlock() -> UnsafeMutableRawBufferPointer { .allocate(byteCount: blockSize, alignment: alignment) }

    /// Starts the threads. Whoever made it calls `finish` or `abandon`, and keeps the descriptor open until then.
    init(_ descriptor: Int32) throws {
        self.descriptor = descriptor
        isDirect = cl_set_direct(descriptor, 1) == 0
        hasher = SHA256Hasher()
        // One is being filled, one hashed, one written; the fourth keeps any from waiting for the others.
        spare = [Self.makeBlock(), Self.makeBlock(), Self.makeBlock()]
        threads.append(try WorkerThread { self.work { self.write($0) } })
        do {
            threads.append(try WorkerThread { self.work { self.hash($0) } })
        } catch {
            abandon()
            throw error
        }
    }

    deinit { for block in spare + blocks.map(\.memory) { block.deallocate() } }

    /// Takes a full block, and gives an empty one for it.
    ///
    /// - Returns: the block, and the number of the error that an earlier write met; 0 without one.
    func exchange(_ full: UnsafeMutableRawBufferPointer) -> (block: UnsafeMutableRawBufferPointer, error: Int32) {
        condition.withLock {
            add(full, count: full.count)
            while spare.isEmpty { condition.wait() }
            return (spare.removeLast(), failure)
        }
    }

    /// Takes the last block, waits until everything is hashed and written, and ends. Called once.
    ///
    /// - Returns: the digest of all blocks, and the number of the error that a write met; 0 without one.
    func finish(_ last: UnsafeMutableRawBufferPointer, count: Int) -> (digest: Digest, error: Int32) {
        end { add(last, count: count) }
        guard let digest = hasher.take()?.finish() else { preconditionFailure("a file is finished once") }
        return (digest, failure)
    }

    /// Ends without hashing and writing what still waits.
    func abandon() { end { isAbandoned = true } }

    private func add(_ memory: UnsafeMutableRawBufferPointer, count: Int) {
        blocks.append(Block(memory: memory, count: count, users: 2))
        condition.broadcast()
    }

    private func end(_ change: () -> Void) {
        condition.withLock {
            change()
            isOver = true
            condition.broadcast()
        }
        for thread in threads { thread.join() }
        threads = []
    }

    // MARK: the threads

    /// - Parameter use: gives the number of an error, or 0. After one, and when the file is abandoned, nobody wants more.
    private func work(_ use: (UnsafeRawBufferPointer) -> Int32) {
        var number = 0
        while let (bytes, isWanted) = next(number) {
            done(number, error: isWanted ? use(bytes) : 0)
            number += 1
        }
    }

    private func next(_ number: Int) -> (bytes: UnsafeRawBufferPointer, isWanted: Bool)? {
        condition.withLock {
            while number == first + blocks.count, !isOver { condition.wait() }
            guard number < first + blocks.count else { return nil }
            let block = blocks[number - first]
            return (UnsafeRawBufferPointer(rebasing: block.memory[..<block.count]), failure == 0 && !isAbandoned)
        }
    }

    private func done(_ number: Int, error: Int32) {
        condition.withLock {
            if error != 0 { failure = error }
            blocks[number - first].users -= 1
            while let oldest = blocks.first, oldest.users == 0 {
                spare.append(oldest.memory)
                blocks.removeFirst()
                first += 1
            }
            condition.broadcast()
        }
    }

    private func hash(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        hasher?.update(bytes)
        return 0
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
