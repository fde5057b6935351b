import Glibc
import IbidModel
import SystemPackage

/// A lock between processes (flock(2)); the kernel gives it back when the holder dies.
enum FileLock {
    /// Does something while holding the lock; makes its file when it is missing, and waits for at most 30 seconds.
    static func holding<T>(_ path: FilePath, _ body: () throws -> T) throws -> T {
        let descriptor = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, String(cString: strerror(errno))) }
        defer { close(descriptor) }
        let deadline = ContinuousClock.now + .seconds(30)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw IbidError.system("lock", path.string, String(cString: strerror(errno)))
            }
            guard ContinuousClock.now < deadline else { throw IbidError.lockTimeout(path) }
            usleep(1_000)
        }
        return try body()
    }
}
