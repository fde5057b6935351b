import IbidCrypto
import IbidSource
import IbidStore

/// Libraries that set themselves up on a thread of their own, while the home is opened: whoever needs one sooner waits for
/// it. Nothing is read or written that is the user's.
public final class LibraryStart: Sendable {
    private let thread: WorkerThread

    /// Begins. A process that still has to enter a namespace has to do that first, as it needs one thread for it.
    public init() throws {
        thread = try WorkerThread {
            SourceRepository.startLibrary()
            // What goes wrong here goes wrong again where it matters, and is said there.
            _ = try? P256.PrivateKey().sign([])
            _ = try? Ed25519.PrivateKey().sign([])
        }
    }

    /// Waits for the end.
    public func finish() { thread.join() }
}
