import Glibc
import IbidModel

/// A thread that runs one closure and is joined by whoever made it.
package final class WorkerThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: pthread_t

    /// Starts it.
    package init(_ body: @escaping @Sendable () -> Void) throws {
        var handle = pthread_t()
        let box = Unmanaged.passRetained(Body(body))
        let failed = pthread_create(&handle, nil, startWorker, box.toOpaque())
        guard failed == 0 else {
            box.release()
            throw IbidError.system("start", "a thread", String(cString: strerror(failed)))
        }
        self.handle = handle
    }

    /// Waits for the closure's end; once.
    package func join() { pthread_join(handle, nil) }

    fileprivate static func run(_ box: UnsafeMutableRawPointer) {
        Unmanaged<Body>.fromOpaque(box).takeRetainedValue().run()
    }
}

// A free function: a closure here would be bound to the actor of whoever starts the thread.
private func startWorker(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let box { WorkerThread.run(box) }
    return nil
}
