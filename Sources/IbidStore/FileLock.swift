import Glibc
import IbidModel
public import SystemPackage

/// An advisory lock on a file, held by this process until released; the kernel releases it when the process dies.
public struct FileLock: Sendable {
    private let descriptor: Int32

    /// Waits for the lock, creating its file when missing.
    ///
    /// - Parameter shared: whether other shared holders may hold it too.
    public init(_ path: FilePath, shared: Bool = false) throws {
        descriptor = open(path.string, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, lastError()) }
        while flock(descriptor, shared ? LOCK_SH : LOCK_EX) != 0 {
            guard errno == EINTR else {
                let reason = lastError()
                close(descriptor)
                throw IbidError.system("lock", path.string, reason)
            }
        }
    }

    /// Takes the lock if nobody holds it; nil otherwise.
    public init?(ifFree path: FilePath) throws {
        descriptor = open(path.string, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, lastError()) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    /// Gives the lock up.
    public func release() { close(descriptor) }
}
