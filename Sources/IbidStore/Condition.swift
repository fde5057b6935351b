import Glibc

/// A lock, and a way for those who have it to wait until somebody changed what it guards.
package final class Condition: @unchecked Sendable {
    // The pthread objects need one address for their whole life.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// Makes one that nobody has.
    package init() {
        pthread_mutex_init(mutex, nil)
        // Deadlines do not move when somebody sets the clock.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
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

    /// The same until a deadline at the latest.
    ///
    /// - Returns: false when that time is over.
    package func wait(until deadline: Deadline) -> Bool {
        withUnsafePointer(to: deadline.time) { pthread_cond_timedwait(changed, mutex, $0) != ETIMEDOUT }
    }

    /// Wakes all who wait.
    package func broadcast() { pthread_cond_broadcast(changed) }

    /// A moment that is not reached earlier or later by setting the clock.
    package struct Deadline {
        fileprivate var time = timespec()

        /// So many nanoseconds from now.
        package init(nanoseconds: Int) {
            clock_gettime(CLOCK_MONOTONIC, &time)
            time.tv_nsec += nanoseconds
            time.tv_sec += time.tv_nsec / 1_000_000_000
            time.tv_nsec %= 1_000_000_000
        }
    }
}
