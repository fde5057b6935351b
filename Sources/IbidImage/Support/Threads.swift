import CLinux
import Glibc
import IbidModel
import Synchronization

/// Threads that are all gone when `wait` returns.
final class ThreadGroup: Sendable {
    private final class Job: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let threads = Mutex<[UInt: pthread_t]>([:])
    private let count = Mutex<UInt>(0)

    /// Runs the body on a thread of its own.
    ///
    /// - Throws: `IbidError` when the system has no thread left.
    func start(_ body: @escaping @Sendable () -> Void) throws {
        let job = Unmanaged.passRetained(Job(body))
        var thread = pthread_t()
        // 1 MiB: curl and TLS need some, and there may be many.
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, 1 << 20)
        defer { pthread_attr_destroy(&attributes) }
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
                job.body()
                return nil
            }, job.toOpaque())
        guard result == 0 else {
            job.release()
            throw IbidError.system("start", "a thread", String(cString: strerror(result)))
        }
        let id = count.withLock { count -> UInt in
            count += 1
            return count
        }
        threads.withLock { $0[id] = thread }
    }

    /// Waits for every thread started so far.
    func wait() {
        while let thread = threads.withLock({ threads -> pthread_t? in
            guard let id = threads.keys.first else { return nil }
            return threads.removeValue(forKey: id)
        }) { pthread_join(thread, nil) }
    }
}
