import CLinux
import Synchronization

/// Counts the bytes that come from outside, and tells of them now and then.
final class Traffic: Sendable {
    private struct State {
        var bytes: Int64 = 0
        var told: Int64 = 0
        var listener: (@Sendable (_ name: String, _ totalBytes: Int64) -> Void)?
    }

    private static let interval: Int64 = 100_000
    private let state = Mutex(State())

    /// Has somebody told from now on, counting from zero, on the threads that fetch, one call at a time. With nil nobody
    /// is told any more when this returns.
    func listen(_ listener: (@Sendable (_ name: String, _ totalBytes: Int64) -> Void)?) {
        state.withLock { $0 = State(listener: listener) }
    }

    /// Bytes of an address came.
    func add(_ count: Int, of url: String) {
        state.withLock { state in
            state.bytes += Int64(count)
            let now = cl_monotonic_microseconds()
            guard let listener = state.listener, now - state.told >= Self.interval else { return }
            state.told = now
            listener(Address.lastName(of: url) ?? "", state.bytes)
        }
    }
}
