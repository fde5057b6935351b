import CLinux
import Glibc
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// The network of one build step: a small HTTP server on the loopback of the step's own network namespace.
///
/// It is a proxy for pip, uv and apt that speaks TLS as whichever host they ask for, and nothing else. Whatever it hands
/// out is in the store and in `answers`; with a lock it hands out what the lock has.
final class Gateway: Sendable {
    private struct State {
        var answers = GatewayAnswers()
        var problems: [GatewayProblem] = []
        /// What could not be fetched: it is not tried again and again when the client does.
        var failures: [String: GatewayProblem] = [:]
        var clients: Set<Int32> = []
        var isStopped = false
    }

    let sources: PackageSources
    let locked: GatewayAnswers?
    private let state = Mutex(State())
    private let threads = ThreadGroup()
    private let wake: Int32

    /// What the step is expected to ask for; nil when its text says nothing of it, or when it may want a whole index.
    let expectation: PipExpectation?
    private let onWheel: @Sendable (Digest, Int64) -> Void

    /// Whom the step trusts.
    let authority: TLSAuthority

    var store: Store { sources.store }

    /// - Parameters:
    ///   - locked: what the step may ask for; nil when it may ask for anything.
    ///   - expectation: what the step's text says it will ask for.
    ///   - onWheel: told of each wheel that is handed out, on any thread.
    init(
        sources: PackageSources, locked: GatewayAnswers?, expectation: PipExpectation? = nil,
        onWheel: @escaping @Sendable (Digest, Int64) -> Void = { _, _ in }
    ) throws {
        self.sources = sources
        self.locked = locked
        self.expectation = expectation
        self.onWheel = onWheel
        authority = try TLSAuthority()
        wake = cl_eventfd()
        guard wake >= 0 else { throw IbidError.system("make", "an event", String(cString: strerror(-wake))) }
    }

    deinit { close(wake) }

    /// What was handed out, by request.
    var answers: GatewayAnswers { state.withLock { $0.answers } }

    /// What was not handed out, and why, oldest first.
    var problems: [GatewayProblem] { state.withLock { $0.problems } }

    /// The same as sentences.
    var complaints: [String] { problems.map(\.text) }

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
        expectation?.end()
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
                if request.method == "CONNECT" { return try tunnel(request, connection, client) }
                try handle(request, url: request.target, connection)
            }
        } catch {
            // The client went away, or never spoke HTTP: there is nobody to tell.
        }
    }

    /// Speaks TLS with the client as the host that it wants to reach.
    private func tunnel(_ request: HTTPRequest, _ connection: HTTPConnection, _ client: Int32) throws {
        let origin =
            "https://" + (request.target.hasSuffix(":443") ? String(request.target.dropLast(4)) : request.target)
        let host = Address.host(of: origin)
        guard !host.isEmpty, !connection.hasUnread, Address.split(origin)?.rest.isEmpty ?? false else {
            throw ConnectionClosed()
        }
        // A refusal here is one that every program notices.
        guard !request.client.isKnown || serves(request.client, origin) else {
            complain(request.client.refusal(of: origin))
            return try connection.respond("403 Forbidden", "a build step reaches package indexes and nothing else")
        }
        try connection.openTunnel()
        let inside = HTTPConnection(socket: client, session: try authority.accept(client, as: host))
        while inside.isReusable, let request = try inside.nextRequest() {
            try handle(request, url: origin + request.target, inside)
        }
    }

    /// Whether anything at an origin may be served to a client.
    private func serves(_ client: GatewayClient, _ origin: String) -> Bool {
        client.isPythonInstaller || DebianAccess.canonical(origin + "/debian/") != nil
            || ["pypi.org", "pypi.python.org", "files.pythonhosted.org"].contains(Address.host(of: origin))
    }

    private func handle(_ request: HTTPRequest, url: String, _ connection: HTTPConnection) throws {
        do {
            guard request.method == "GET" || request.method == "HEAD" else {
                // Its body, if it has one, is not read.
                connection.abandon()
                return try refuse(request, url, connection)
            }
            guard Address.split(url) != nil else {
                return try connection.respond("404 Not Found", "this is a proxy for package indexes and archives")
            }
            if let address = DebianAccess.canonical(url) {
                let found = try answer(address, client: request.client) {
                    try sources.debian(address, expected: $0, isCancelled: isStopped)
                }
                return try send(found, to: connection)
            }
            if try python(url, request, connection) { return }
            guard request.client.isPythonInstaller else { return try refuse(request, url, connection) }
            try named(url, request, connection)
        } catch let error as ConnectionClosed {
            throw error
        } catch let error as UpstreamStatus {
            complain(GatewayProblem(kind: .refused, text: "\(Address.withoutSecrets(url)): \(error)"))
            try connection.respond("\(error.status) Refused", "\(error)")
        } catch {
            guard !connection.hasResponded else { throw ConnectionClosed() }
            // Not 502 or 503: pip would ask five times more.
            try connection.respond("504 Gateway Timeout", (error as? IbidError)?.message ?? "\(error)")
        }
    }

    private func refuse(_ request: HTTPRequest, _ url: String, _ connection: HTTPConnection) throws {
        let method = request.method == "GET" ? "" : request.method + " "
        complain(request.client.refusal(of: method + Address.withoutSecrets(url)))
        guard request.client.noticesStatus else { throw ConnectionClosed() }
        try connection.respond("403 Forbidden", "a build step reaches package indexes and nothing else")
    }

    /// Says that a wheel is on its way to the step.
    func tell(of name: String, _ answer: GatewayAnswers.Answer) {
        if case .bytes(let digest, let size) = answer, name.hasSuffix(".whl") { onWheel(digest, size) }
    }

    func complain(_ problem: GatewayProblem) {
        state.withLock { state in
            if state.problems.count < 100, !state.problems.contains(problem) { state.problems.append(problem) }
        }
    }

    // MARK: answers

    /// Answers one request from the lock, from what this step got before, or from outside.
    func answer(
        _ name: String, client: GatewayClient, fetch: (Digest?) throws -> GatewayAnswers.Answer
    ) throws -> GatewayAnswers.Answer {
        if let locked {
            guard let answer = locked.answers[name] else {
                complain(.notInLock(client, name))
                return .absent
            }
            guard case .bytes(let digest, _) = answer else { return record(name, answer) }
            if store.contains(digest) {
                try attempt(name) { try store.verify(digest) }
            } else {
                // Another home wrote the lock: the bytes may come from outside as long as they are the same.
                let fetched = try attempt(name, unless: "the lock names it and this home's store lacks it") {
                    try fetch(digest)
                }
                guard fetched == answer else { throw IbidError.missingBlob(digest) }
            }
            return record(name, answer)
        }
        if let known = state.withLock({ $0.answers.answers[name] }) { return known }
        return record(name, try attempt(name) { try fetch(nil) })
    }

    /// Fetches something, once in a step: what failed for good fails again at once.
    func attempt<T>(_ name: String, unless situation: String? = nil, _ body: () throws -> T) throws -> T {
        if let failure = state.withLock({ $0.failures[name] }) { throw UpstreamFailure(description: failure.text) }
        do {
            return try body()
        } catch let error as UpstreamStatus {
            throw error
        } catch {
            guard !isStopped() else { throw ConnectionClosed() }
            let reason = (error as? IbidError)?.message ?? "\(error)"
            let problem = GatewayProblem(
                kind: .failed, text: situation.map { "\(name): \($0): \(reason)" } ?? reason,
                hint: (error as? IbidError)?.hint)
            state.withLock { $0.failures[name] = problem }
            complain(problem)
            throw error
        }
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
}
