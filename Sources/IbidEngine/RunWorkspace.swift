import Glibc
import IbidModel
import IbidStore
import SystemPackage

/// The directory of a run in progress, held by a lock for as long as this process works on it: a run whose lock
/// nobody holds was interrupted.
struct RunWorkspace: Sendable {
    let directory: FilePath
    private let lockPath: FilePath
    private let lock: FileLock

    /// Makes and locks the workspace of a new run.
    init(home: Home, run: RunID) throws {
        directory = home.runs.appending(run.text)
        lockPath = Self.lockPath(home: home, run: run)
        lock = try FileLock(lockPath)
        try makeDirectories(directory, mode: 0o755)
    }

    /// Removes the workspace, and while it goes, which can mean to wait for the disk, does what else there is to do.
    ///
    /// - Parameter body: needs nothing of the directory; the lock is held until it has returned.
    func release<T>(_ body: () throws -> T) rethrows -> T {
        let thread = try? WorkerThread { [directory] in Self.remove(directory) }
        defer {
            if let thread { thread.join() } else { empty() }
            unlock()
        }
        return try body()
    }

    /// Removes what the run left, and keeps the lock: its outcome is not entered yet.
    func empty() { Self.remove(directory) }

    /// Gives the lock up: nobody has to enter anything for the run any more.
    func unlock() {
        unlink(lockPath.string)
        lock.release()
    }

    /// Removes the workspace.
    func release() { release {} }

    private static func remove(_ directory: FilePath) {
        do {
            try removeTree(directory)
        } catch {
            // The next command tries again and says so; the run's record does not depend on it.
        }
    }

    static func lockPath(home: Home, run: RunID) -> FilePath { home.runs.appending(".\(run.text).lock") }

    /// Whether a process works on a run now.
    static func isLive(home: Home, run: RunID) throws -> Bool {
        let path = lockPath(home: home, run: run)
        guard access(path.string, F_OK) == 0 else { return false }
        guard let lock = try FileLock(ifFree: path) else { return true }
        lock.release()
        return false
    }

    /// Removes what a run left whose process is gone; a live run's workspace stays.
    static func reap(home: Home, run: RunID) throws {
        let path = lockPath(home: home, run: run)
        guard let lock = try FileLock(ifFree: path) else { return }
        defer { lock.release() }
        try removeTree(home.runs.appending(run.text))
        unlink(path.string)
    }
}
