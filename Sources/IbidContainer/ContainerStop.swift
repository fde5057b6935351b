import CLinux
import Glibc
import IbidModel
import IbidStore
import Synchronization

/// A switch that ends containers from outside: a full output, a Ctrl-C.
///
/// Once thrown it stays thrown: containers that start later with the same switch end at once.
public final class ContainerStop: Sendable {
    let descriptor: Int32
    private let reason = Mutex<String?>(nil)

    /// Makes a switch.
    public init() throws {
        descriptor = cl_eventfd()
        guard descriptor >= 0 else { throw IbidError.system("make", "an event descriptor", errorText(descriptor)) }
    }

    deinit { close(descriptor) }

    /// Ends what runs with this switch, recorded with this reason; the first reason counts.
    public func stop(reason: String) {
        self.reason.withLock { if $0 == nil { $0 = reason } }
        _ = cl_eventfd_signal(descriptor)
    }

    /// From now on SIGINT, SIGTERM and SIGHUP (a terminal that went away, unless it is ignored as nohup does) throw this switch instead of ending the process. For the life of the process:
    /// the switch must not go away before.
    public func throwOnSignals() throws {
        var hangUp = sigaction()
        sigaction(SIGHUP, nil, &hangUp)
        let ignoresHangUp = unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
        for signal in [SIGINT, SIGTERM] + (ignoresHangUp ? [] : [SIGHUP]) {
            let result = cl_signal_to_eventfd(signal, descriptor)
            guard result == 0 else { throw IbidError.system("handle", "signal \(signal)", errorText(result)) }
        }
    }

    /// Whether it has been thrown.
    public var isThrown: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }

    /// Waits until it is thrown, at most so long; whether it is.
    func waits(microseconds: Int64) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, Int32(clamping: (microseconds + 999) / 1_000)) > 0
    }

    /// Why; a signal leaves no words.
    var reasonText: String { reason.withLock { $0 } ?? "interrupted" }
}
