import IbidStore

/// Something that happens once, and threads that wait for it.
final class Latch: @unchecked Sendable {
    private let condition = Condition()
    /// Guarded by `condition`.
    private var isOpen = false

    /// Lets everybody through, now and later.
    func open() {
        condition.withLock {
            isOpen = true
            condition.broadcast()
        }
    }

    /// Returns when it is open.
    func wait() { condition.withLock { while !isOpen { condition.wait() } } }
}
