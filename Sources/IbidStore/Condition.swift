import Glibc

/// A lock, and a way for those who have it to wait until somebody changed what it guards.
package final class Condition: @unchecked Sendable {
    // The pthread objects need one address for their whole life.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Makes one that nobody has.
    package init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Runs the body with the lock.
    package func withLock<T>(_ body: () throws -> T) rethrows -> T {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Gives the lock away until somebody called `broadcast`, or for no reason: look again. For those who have it.
    package func wait() { pthread_cond_wait(changed, mutex) }

    /// Wakes all who wait.
    package func broadcast() { pthread_cond_broadcast(changed) }
}
