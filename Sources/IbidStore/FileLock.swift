import Glibc
import IbidModel
public import SystemPackage

/// An advisory lock on a file, held by this process until released; the kernel releases it when the process dies.
///
/// The file may be removed by whoever holds its lock: an opener that meets a removed file begins again.
public struct FileLock: Sendable {
    private let descriptor: Int32

    /// Waits for the lock, creating its file when missing.
    ///
    /// - Parameter shared: whether other shared holders may hold it too.
    public init(_ path: FilePath, shared: Bool = false) throws {
        while true {
            let descriptor = try Self.open(path)
            while flock(descriptor, shared ? LOCK_SH : LOCK_EX) != 0 {
                guard errno == EINTR else {
                    let reason = lastError()
                    close(descriptor)
                    throw IbidError.system("lock", path.string, reason)
                }
            }
            if Self.names(path, descriptor) {
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    /// Takes the lock if nobody holds it; nil otherwise.
    public init?(ifFree path: FilePath) throws {
        while true {
            let descriptor = try Self.open(path)
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                return nil
            }
            if Self.names(path, descriptor) {
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
    }

    /// Gives the lock up.
    public func release() { close(descriptor) }

    private static func open(_ path: FilePath) throws -> Int32 {
        let descriptor = Glibc.open(path.string, O_CREAT | O_RDWR | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw IbidError.system("open", path.string, lastError()) }
        return descriptor
    }

    // Whether the path still names the file that was locked.
    private static func names(_ path: FilePath, _ descriptor: Int32) -> Bool {
        var (named, locked) = (stat(), stat())
        return stat(path.string, &named) == 0 && fstat(descriptor, &locked) == 0 && named.st_ino == locked.st_ino
            && named.st_dev == locked.st_dev
    }
}
