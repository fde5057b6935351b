import CLinux
import Glibc
public import IbidModel
import IbidStore
import Synchronization

/// Connects ports of this host to ports of one run, whose network has nothing but a loopback.
///
/// A thread of Ibid's enters that network and makes connections there for those who connect here. Nothing in the run
/// gets a socket of the host's, nothing in it can begin a connection to the outside, and there is no address to which
/// it could.
public final class PortForwarder: Sendable {
    /// The most connections at one time; more of them wait.
    private static let capacity = 128
    /// How often it looks whether the run listens already, at most: a run can make the list of its sockets long, and looking
    /// at it takes no more than a twentieth of one processor's time.
    private static let patienceMicroseconds: Int64 = 50_000
    /// How long those who connected may take to read what the run's last words to them were.
    private static let farewellMicroseconds: Int64 = 2_000_000

    /// The ports, with the host's numbers that were chosen.
    public let ports: [PublishedPort]
    private let listeners: [Int32]
    private let stop: Int32
    private let isListening: @Sendable (PublishedPort) -> Void
    private let state = Mutex<(thread: WorkerThread?, connections: Int)>((nil, 0))

    /// Takes the host's ports; connections wait until the run listens.
    ///
    /// - Parameter listening: told, on a thread of its own, of each port behind which the run listens.
    /// - Throws: `port-unavailable` with the port.
    public init(_ ports: [PublishedPort], listening: @escaping @Sendable (PublishedPort) -> Void) throws {
        var (taken, listeners): ([PublishedPort], [Int32]) = ([], [])
        do {
            for var port in ports {
                let listener = cl_listen(port.address, &port.host)
                guard listener >= 0 else { throw IbidError.portUnavailable(port, listener) }
                listeners.append(listener)
                taken.append(port)
            }
            stop = cl_eventfd()
            guard stop >= 0 else { throw IbidError.system("make", "an event descriptor", errorText(stop)) }
        } catch {
            for listener in listeners { close(listener) }
            throw error
        }
        (self.ports, self.listeners, isListening) = (taken, listeners, listening)
    }

    deinit {
        for listener in listeners { close(listener) }
        close(stop)
    }

    /// How many connections were made to the run so far.
    public var connections: Int { state.withLock { $0.connections } }

    /// Begins to serve; the caller keeps the namespace's descriptor.
    ///
    /// - Throws: `network-closed` when the namespace cannot be entered.
    func start(in namespace: Int32) throws {
        let own = cl_dup_cloexec(namespace)
        guard own >= 0 else { throw IbidError.system("keep", "the run's network", errorText(own)) }
        let entered = Mutex<Int32>(0)
        // Once for the answer, in a thread that ends: the one that stays has nobody to tell.
        try WorkerThread { entered.withLock { $0 = cl_enter_network(own) } }.join()
        let result = entered.withLock { $0 }
        guard result == 0 else {
            close(own)
            throw IbidError("network-closed", "cannot enter the network of the run: \(errorText(result))")
        }
        let thread = try WorkerThread { [self] in
            if cl_enter_network(own) == 0 { serve() }
            close(own)
        }
        state.withLock { $0.thread = thread }
    }

    /// Hands on what the run said before it ended, and ends all connections; nothing is served any more when this returns.
    func end() {
        _ = cl_eventfd_signal(stop)
        state.withLock { state in
            let thread = state.thread
            state.thread = nil
            return thread
        }?.join()
    }

    // MARK: on the thread in the run's network

    private func serve() {
        var targets = [String?](repeating: nil, count: ports.count)
        var connections: [ForwardedConnection] = []
        var due: Int64 = 0
        while true {
            let now = cl_monotonic_microseconds()
            if targets.contains(nil), now >= due {
                for index in ports.indices where targets[index] == nil {
                    targets[index] = ListeningSockets.address(of: ports[index].container)
                    if targets[index] != nil { isListening(ports[index]) }
                }
                let end = cl_monotonic_microseconds()
                due = end + max(Self.patienceMicroseconds, 20 * (end - now))
            }
            let isFull = connections.count >= Self.capacity
            // A negative descriptor is left out by poll.
            var polls = [pollfd(fd: stop, events: Int16(POLLIN), revents: 0)]
            polls += zip(listeners, targets).map { listener, target in
                pollfd(fd: target == nil || isFull ? -1 : listener, events: Int16(POLLIN), revents: 0)
            }
            for connection in connections {
                let interest = connection.interest
                polls.append(
                    pollfd(fd: interest.outer == 0 ? -1 : connection.outer, events: interest.outer, revents: 0))
                polls.append(
                    pollfd(fd: interest.inner == 0 ? -1 : connection.inner, events: interest.inner, revents: 0))
            }
            let wait = max(0, due - cl_monotonic_microseconds())
            let timeout = targets.contains(nil) ? Int32(clamping: wait / 1_000 + 1) : -1
            guard poll(&polls, UInt(polls.count), timeout) >= 0 || errno == EINTR else { return }
            if polls[0].revents != 0 { return deliver(connections) }
            let first = 1 + listeners.count
            connections = connections.enumerated().filter { index, connection in
                let isReady = polls[first + 2 * index].revents != 0 || polls[first + 2 * index + 1].revents != 0
                return !isReady || connection.advance()
            }.map(\.element)
            for index in ports.indices where polls[1 + index].revents != 0 {
                guard let target = targets[index] else { continue }
                let outer = cl_accept(listeners[index])
                guard outer >= 0 else { continue }
                let inner = cl_connect(target, ports[index].container)
                guard inner >= 0 else {
                    close(outer)
                    // It listens no more; perhaps it will again, somewhere else.
                    targets[index] = nil
                    continue
                }
                connections.append(ForwardedConnection(outer: outer, inner: inner))
                state.withLock { $0.connections += 1 }
            }
        }
    }
}

extension PortForwarder {
    // The run is over, so all that it sent is there already, and then comes the end of each connection.
    private func deliver(_ connections: [ForwardedConnection]) {
        var open = connections
        let end = cl_monotonic_microseconds() + Self.farewellMicroseconds
        while !open.isEmpty {
            let left = end - cl_monotonic_microseconds()
            var polls = open.map { pollfd(fd: $0.delivery.descriptor, events: $0.delivery.events, revents: 0) }
            guard left > 0, poll(&polls, UInt(polls.count), Int32(left / 1_000 + 1)) >= 0 || errno == EINTR else {
                return
            }
            open = open.enumerated().filter { index, connection in
                polls[index].revents == 0 || connection.deliver() && !connection.isDelivered
            }.map(\.element)
        }
    }
}

extension IbidError {
    fileprivate static func portUnavailable(_ port: PublishedPort, _ result: Int32) -> IbidError {
        let hint =
            switch -result {
            case EADDRINUSE: "another program listens there: take any port that is free with -p 0:\(port.container)"
            case EACCES, EPERM: "ports below 1024 are the administrator's: take another: -p 8080:\(port.container)"
            default: "the address has to be one of this machine's, in numbers"
            }
        return IbidError("port-unavailable", "cannot listen on \(port.authority): \(errorText(result))", hint: hint)
    }
}
