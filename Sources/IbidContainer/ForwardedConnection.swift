import CLinux
import Glibc

/// A connection from outside and the one that Ibid made inside for it; bytes go both ways, a bounded number at a time.
final class ForwardedConnection {
    /// The socket of whoever connected.
    let outer: Int32
    /// The socket in the run's network.
    let inner: Int32
    private var isConnected = false
    private var inbound: Channel
    private var outbound: Channel

    /// Takes both sockets over.
    init(outer: Int32, inner: Int32) {
        (self.outer, self.inner) = (outer, inner)
        inbound = Channel(source: outer, target: inner)
        outbound = Channel(source: inner, target: outer)
    }

    deinit {
        close(outer)
        close(inner)
    }

    /// What poll is to wait for at each socket; nothing for one that has its part done: it would be ready for ever.
    var interest: (outer: Int16, inner: Int16) {
        guard isConnected else { return (0, Int16(POLLOUT)) }
        let readable = (inbound.isWaiting ? Int16(POLLIN) : 0, outbound.isWaiting ? Int16(POLLIN) : 0)
        let writable = (outbound.isFull ? Int16(POLLOUT) : 0, inbound.isFull ? Int16(POLLOUT) : 0)
        return (readable.0 | writable.0, readable.1 | writable.1)
    }

    /// Goes on as far as that needs no waiting.
    ///
    /// - Returns: whether there is more to come.
    func advance() -> Bool {
        if !isConnected {
            guard cl_socket_error(inner) == 0 else { return false }
            isConnected = true
        }
        // A server may answer without having read everything: what it takes no more is not its answer's end.
        if !inbound.advance() { inbound.giveUp() }
        return deliver() && !(inbound.isOver && outbound.isOver)
    }

    /// Where `deliver` goes on, when that is ready.
    var delivery: (descriptor: Int32, events: Int16) {
        outbound.isFull ? (outer, Int16(POLLOUT)) : (inner, Int16(POLLIN))
    }

    /// Hands on what comes from inside, as far as that needs no waiting.
    ///
    /// - Returns: whether both sides are still there.
    func deliver() -> Bool { outbound.advance() }

    /// Whether everything from inside is handed on.
    var isDelivered: Bool { outbound.isOver }
}

/// One direction of a connection.
private struct Channel {
    private static let size = 64 << 10

    let source: Int32
    let target: Int32
    private var buffer: [UInt8] = []
    private var sent = 0
    private var ended = false

    init(source: Int32, target: Int32) { (self.source, self.target) = (source, target) }

    /// Whether bytes wait to be sent.
    var isFull: Bool { sent < buffer.count }
    /// Whether it may read more: only when nothing waits, so that who sends too fast waits too.
    var isWaiting: Bool { !isFull && !ended }
    var isOver: Bool { ended && !isFull }

    /// Reads nothing more, and says so to the other side.
    mutating func giveUp() {
        (ended, sent) = (true, buffer.count)
        shutdown(target, Int32(SHUT_WR))
    }

    /// Reads and sends once each; false when one of the two sides is gone.
    mutating func advance() -> Bool {
        if isWaiting {
            var count = 0
            buffer = [UInt8](unsafeUninitializedCapacity: Self.size) { bytes, used in
                count = recv(source, bytes.baseAddress, bytes.count, 0)
                used = max(count, 0)
            }
            sent = 0
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            if count == 0 {
                ended = true
                // The other side may still answer: only this direction ends.
                shutdown(target, Int32(SHUT_WR))
            }
        }
        guard isFull else { return true }
        let count = buffer[sent...].withUnsafeBytes { send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        sent += count
        return true
    }
}
