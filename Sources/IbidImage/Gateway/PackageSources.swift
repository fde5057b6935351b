import Glibc
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// The package indexes and archives of this host, as one build uses them: what was fetched once is not fetched again.
final class PackageSources: Sendable {
    /// Whether whoever asked is gone.
    typealias Cancellation = @Sendable () -> Bool

    /// Guarded by `state`.
    struct State {
        var projects: [String: [IndexFile]] = [:]
        /// The pages of projects that somebody is reading now.
        var reading: [String: Latch] = [:]
        var fetches: [String: Fetch] = [:]
        var prefetched: [String: Int] = [:]
        /// The pages that recipes name themselves, by address.
        var pages: [String: [IndexFile]] = [:]
        var debian: DebianAccess?
        var isStopped = false
    }

    /// One download; whoever asks second waits for it.
    final class Fetch: Sendable {
        let done = Latch()
        let result = Mutex<Result<GatewayAnswers.Answer, any Error>?>(nil)
    }

    let store: Store
    let python: PipConfiguration
    let mirrors: @Sendable () -> DebianAccess
    let upstream = Upstream()
    let traffic = Traffic()
    let threads = ThreadGroup()
    let state = Mutex(State())
    private let flushes = ThreadGroup()
    private let flushFailure = Mutex<(any Error)?>(nil)

    /// - Parameters:
    ///   - python: how pip's indexes are reached.
    ///   - mirrors: how Debian's archive is reached; asked when the first step wants it.
    init(store: Store, python: PipConfiguration, mirrors: @escaping @Sendable () -> DebianAccess) {
        self.store = store
        self.python = python
        self.mirrors = mirrors
    }

    /// The sources as this host's own pip and apt reach them.
    static func ofHost(store: Store) -> PackageSources {
        PackageSources(
            store: store, python: PipConfiguration.ofHost(environment: HostEnvironment.variables),
            mirrors: { DebianAccess.ofHost() })
    }

    /// Ends what is still being fetched ahead; call it when the build is over.
    func stop() {
        state.withLock { $0.isStopped = true }
        threads.wait()
        flushes.wait()
    }

    /// Gets the file at an address, as `ADD` asks for it.
    func file(
        _ url: String, expected: Digest?, isCancelled: @escaping Cancellation = { false }
    ) throws -> GatewayAnswers.Answer {
        try fetch(url, access: UpstreamAccess(), expected: expected, isCancelled: isCancelled)
    }

    /// Gets a URL into the store; nobody sees a byte before all of them are there and are the promised ones.
    func fetch(
        _ url: String, access: UpstreamAccess, expected: Digest?, isCancelled: @escaping Cancellation
    ) throws -> GatewayAnswers.Answer {
        if let expected, store.contains(expected) {
            try store.verify(expected)
            return .bytes(expected, size: try store.size(of: expected))
        }
        let (fetch, isMine) = state.withLock { state -> (Fetch, Bool) in
            if let running = state.fetches[url] { return (running, false) }
            let fetch = Fetch()
            state.fetches[url] = fetch
            return (fetch, true)
        }
        guard isMine else {
            fetch.done.wait()
            if let result = fetch.result.withLock({ $0 }) {
                let answer = try result.get()
                if case .bytes(let digest, _) = answer { try check(digest, expected, url) }
                return answer
            }
            throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): the transfer was given up")
        }
        defer { fetch.done.open() }
        do {
            let answer = try retrying(isCancelled) {
                try transfer(url, access: access, expected: expected, isCancelled: isCancelled)
            }
            fetch.result.withLock { $0 = .success(answer) }
            return answer
        } catch {
            fetch.result.withLock { $0 = .failure(error) }
            // The next request may try again.
            state.withLock { $0.fetches[url] = nil }
            throw error
        }
    }

    private func transfer(
        _ url: String, access: UpstreamAccess, expected: Digest?, isCancelled: @escaping Cancellation
    ) throws -> GatewayAnswers.Answer {
        var writer: BlobWriter?
        var head: Upstream.Head?
        try upstream.get(
            url, access: access, isCancelled: { [self] in isCancelled() || state.withLock { $0.isStopped } }
        ) { [self] in
            head = $0
            if $0.status == 200 { writer = try store.writer() }
        } body: { [self] in
            traffic.add($0.count, of: url)
            try writer?.write($0)
        }
        guard let writer, let head else {
            if [404, 410].contains(head?.status) { return .absent }
            throw UpstreamStatus.error(head?.status ?? 0, url)
        }
        if let length = head.length, length != writer.size {
            throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): \(writer.size) of \(length) bytes came")
        }
        let (digest, size) = try writer.finish(durable: false)
        try check(digest, expected, url)
        flush(digest)
        return .bytes(digest, size: size)
    }

    /// Brings a blob to disk while others work with it already.
    func flush(_ digest: Digest) {
        let work: @Sendable () -> Void = { [self] in
            do { try store.flush(digest) } catch { flushFailure.withLock { $0 = error } }
        }
        // Without a thread it is done at once.
        if (try? flushes.start(work)) == nil { work() }
    }

    /// Returns when every such blob is on disk: what names it may then be written.
    func flush() throws {
        flushes.wait()
        if let failure = flushFailure.withLock({ $0 }) { throw failure }
    }

    func check(_ digest: Digest, _ expected: Digest?, _ url: String) throws {
        guard let expected, expected != digest else { return }
        throw IbidError(
            "digest-mismatch",
            "\(Address.withoutSecrets(url)) has other bytes than promised: \(digest) instead of \(expected)",
            hint: "do not use it; ask who runs that server", exit: .verificationFailed)
    }

    /// A server may be busy for a moment; what it says for good is not asked again.
    func retrying<T>(_ isCancelled: Cancellation, _ body: () throws -> T) throws -> T {
        for pause in [200_000, 1_000_000, 2_000_000] as [UInt32] {
            do {
                return try body()
            } catch let error as UpstreamFailure
                where error.isPassing && !isCancelled() && !state.withLock({ $0.isStopped })
            {
                usleep(pause)
            }
        }
        return try body()
    }
}
