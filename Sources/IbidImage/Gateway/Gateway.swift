import CLinux
import Glibc
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// The network of one build step: a small HTTP server on the loopback of the step's own network namespace.
///
/// It is a simple index for pip and uv and a proxy for apt, and nothing else. Whatever it hands out is in the store and
/// in `answers`; with a lock it hands out what the lock has.
final class Gateway: Sendable {
    private struct State {
        var answers = GatewayAnswers()
        var complaints: [String] = []
        var clients: Set<Int32> = []
        var isStopped = false
    }

    let sources: PackageSources
    let locked: GatewayAnswers?
    private let state = Mutex(State())
    private let threads = ThreadGroup()
    private let wake: Int32

    var store: Store { sources.store }

    /// - Parameter locked: what the step may ask for; nil when it may ask for anything.
    init(sources: PackageSources, locked: GatewayAnswers?) throws {
        self.sources = sources
        self.locked = locked
        wake = cl_eventfd()
        guard wake >= 0 else { throw IbidError.system("make", "an event", String(cString: strerror(-wake))) }
    }

    deinit { close(wake) }

    /// What was handed out, by request.
    var answers: GatewayAnswers { state.withLock { $0.answers } }

    /// What could not be handed out, and why: for the error of a step that failed, oldest first.
    var complaints: [String] { state.withLock { $0.complaints } }

    /// Whether the step is over: nobody waits for what is still being fetched.
    var isStopped: @Sendable () -> Bool { { [self] in state.withLock { $0.isStopped } } }

    /// Serves clients until `stop`; the descriptor stays the caller's.
    func serve(_ listener: Int32) {
        while true {
            var waiting = [
                pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&waiting, 2, -1) >= 0 || errno == EINTR else { return }
            if waiting[1].revents != 0 || state.withLock({ $0.isStopped }) { return }
            guard waiting[0].revents != 0 else { continue }
            let client = accept(listener, nil, nil)
            if client < 0 {
                if errno == EINTR || errno == ECONNABORTED || errno == EAGAIN { continue }
                return
            }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            guard adopt(client) else { return }
        }
    }

    private func adopt(_ client: Int32) -> Bool {
        let accepted = state.withLock { state -> Bool in
            if state.isStopped { return false }
            state.clients.insert(client)
            return true
        }
        let started = accepted && (try? threads.start { [self] in converse(client) }) != nil
        if !started { forget(client) }
        return accepted
    }

    /// Ends `serve` and every conversation; returns when all are over.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            // Only shut down: the descriptor stays taken until its own thread closes it.
            for client in state.clients { shutdown(client, Int32(SHUT_RDWR)) }
        }
        cl_eventfd_signal(wake)
        threads.wait()
    }

    private func forget(_ client: Int32) {
        state.withLock { _ = $0.clients.remove(client) }
        close(client)
    }

    private func converse(_ client: Int32) {
        defer { forget(client) }
        let connection = HTTPConnection(socket: client)
        do {
            while connection.isReusable, let request = try connection.nextRequest() {
                try handle(request, connection)
            }
        } catch {
            // The client went away, or never spoke HTTP: there is nobody to tell.
        }
    }

    private func handle(_ request: HTTPRequest, _ connection: HTTPConnection) throws {
        guard request.method == "GET" || request.method == "HEAD" else {
            connection.abandon()
            complain(
                "\(request.client) wanted \(request.method) \(Address.withoutSecrets(request.target)): a build step "
                    + "reaches package indexes and nothing else")
            return try connection.respond(
                request.method == "CONNECT" ? "403 Forbidden" : "405 Method Not Allowed",
                "a build step reaches package indexes and nothing else")
        }
        do {
            if Address.split(request.target) != nil, Address.host(of: request.target) != "127.0.0.1" {
                return try archive(request, connection)
            }
            let path = Address.split(request.target)?.rest ?? request.target
            try python(String(path.prefix { $0 != "?" && $0 != "#" }), request, connection)
        } catch let error as ConnectionClosed {
            throw error
        } catch {
            complain((error as? IbidError)?.message ?? "\(error)")
            guard !connection.hasResponded else { throw ConnectionClosed() }
            try connection.respond("502 Bad Gateway", "\(error)")
        }
    }

    func complain(_ text: String) {
        state.withLock { state in
            if state.complaints.count < 100, !state.complaints.contains(text) { state.complaints.append(text) }
        }
    }

    // MARK: answers

    /// Answers one request from the lock, from what this step got before, or from outside.
    func answer(
        _ name: String, client: String, fetch: (Digest?) throws -> GatewayAnswers.Answer
    ) throws -> GatewayAnswers.Answer {
        if let locked {
            guard let answer = locked.answers[name] else {
                complain(IbidError.notInLock(client, name))
                return .absent
            }
            guard case .bytes(let digest, _) = answer else { return answer }
            if store.contains(digest) {
                try store.verify(digest)
            } else {
                // Another home wrote the lock: the bytes may come from outside as long as they are the same.
                guard try fetch(digest) == answer else { throw IbidError.missingBlob(digest) }
            }
            return record(name, answer)
        }
        if let known = state.withLock({ $0.answers.answers[name] }) { return known }
        return record(name, try fetch(nil))
    }

    private func record(_ name: String, _ answer: GatewayAnswers.Answer) -> GatewayAnswers.Answer {
        state.withLock { state in
            // Two clients at one time may have asked; the first answer is everybody's.
            if let earlier = state.answers.answers[name] { return earlier }
            state.answers.answers[name] = answer
            return answer
        }
    }

    func send(_ answer: GatewayAnswers.Answer, to connection: HTTPConnection) throws {
        switch answer {
        case .bytes(let digest, let size): try connection.respond(file: store.path(of: digest), size: size)
        case .absent: try connection.respond("404 Not Found", "there is nothing of that name")
        }
    }

    // MARK: apt

    private func archive(_ request: HTTPRequest, _ connection: HTTPConnection) throws {
        guard let address = DebianAccess.canonical(request.target) else {
            let wanted = Address.withoutSecrets(request.target)
            complain("\(request.client) asked for \(wanted): a build step reaches package indexes and nothing else")
            return try connection.respond("403 Forbidden", "a build step reaches package indexes and nothing else")
        }
        try send(
            try answer(address, client: request.client) {
                try sources.debian(address, expected: $0, isCancelled: isStopped)
            }, to: connection)
    }
}
