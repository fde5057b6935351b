import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// A process' right to work in a home. Any number of processes share it; the collector needs it alone, because blobs
/// that a build has just written are named by nothing yet.
final class HomeLease: Sendable {
    private let path: FilePath
    private let lock: Mutex<FileLock?>

    /// Waits while a collector removes things.
    init(_ home: Home) throws {
        path = home.root.appending(".lease")
        lock = Mutex(try FileLock(path, shared: true))
    }

    deinit { lock.withLock { $0?.release() } }

    /// Runs the body while no other process works in the home.
    ///
    /// - Throws: `home-busy` when one does.
    func alone<T>(_ body: () throws -> T) throws -> T {
        lock.withLock {
            $0?.release()
            $0 = nil
        }
        defer {
            // Nothing is written after this without the lease: a command ends here.
            lock.withLock { if $0 == nil { $0 = try? FileLock(path, shared: true) } }
        }
        guard let exclusive = try FileLock(ifFree: path) else {
            throw IbidError(
                "home-busy", "another ibid works in \(path.removingLastComponent())",
                hint: "nothing was removed; try again when its build or run has ended")
        }
        defer { exclusive.release() }
        return try body()
    }
}
