import Glibc
import IbidModel
import IbidStore
import Synchronization
import SystemPackage

/// The package indexes and archives of this host, as one build uses them: what was fetched once is not fetched again.
final class PackageSources: Sendable {
    /// Whether whoever asked is gone.
    typealias Cancellation = @Sendable () -> Bool

    private struct State {
        var projects: [String: [IndexFile]] = [:]
        var fetches: [String: Fetch] = [:]
        var prefetched: [String: Int] = [:]
        var debian: DebianAccess?
        var isStopped = false
    }

    /// One download; whoever asks second waits for it.
    private final class Fetch: Sendable {
        let done = Latch()
        let result = Mutex<Result<GatewayAnswers.Answer, UpstreamFailure>?>(nil)
    }

    let store: Store
    private let python: PipConfiguration
    private let mirrors: @Sendable () -> DebianAccess
    private let upstream = Upstream()
    private let threads = ThreadGroup()
    private let state = Mutex(State())

    /// - Parameters:
    ///   - python: how pip's indexes are reached.
    ///   - mirrors: how Debian's archive is reached; asked when the first step wants it.
    init(store: Store, python: PipConfiguration, mirrors: @escaping @Sendable () -> DebianAccess) {
        self.store = store
        self.python = python
        self.mirrors = mirrors
    }

    /// Ends what is still being fetched ahead; call it when the build is over.
    func stop() {
        state.withLock { $0.isStopped = true }
        threads.wait()
    }

    // MARK: Python

    /// Every file of a project that the host's indexes and directories have.
    func files(of project: String, isCancelled: @escaping Cancellation = { false }) throws -> [IndexFile] {
        if let known = state.withLock({ $0.projects[project] }) { return known }
        var files: [String: IndexFile] = [:]
        for index in python.indexes {
            let url = "\(index)/\(project)/"
            guard
                let page = try retrying(
                    isCancelled,
                    {
                        try upstream.bytes(
                            url, access: python.access, accept: IndexPage.accept, limit: 256 << 20,
                            isCancelled: isCancelled)
                    })
            else { continue }
            for var file in try IndexPage.parse(page.body, type: page.type, url: url) where files[file.filename] == nil
            {
                file.location = Address.withCredentials(file.location, of: index)
                files[file.filename] = file
            }
        }
        for file in localFiles(of: project) where files[file.filename] == nil { files[file.filename] = file }
        let sorted = files.values.sorted { $0.filename < $1.filename }
        state.withLock { $0.projects[project] = sorted }
        return sorted
    }

    private func localFiles(of project: String) -> [IndexFile] {
        python.directories.flatMap { directory -> [IndexFile] in
            // A directory that is gone has nothing, as for pip.
            ((try? names(in: directory)) ?? []).filter { Self.project(ofFile: $0) == project }.map { name in
                let path = directory.appending(name)
                return IndexFile(
                    filename: name, location: path.string, sha256: nil, requiresPython: nil, hasMetadata: false,
                    metadataSHA256: nil, yanked: nil, size: fileSize(path), uploadTime: nil)
            }
        }
    }

    /// The project a distribution file belongs to; nil when its name is of no known form.
    static func project(ofFile name: String) -> String? {
        if name.hasSuffix(".whl") { return name.split(separator: "-").first.map { IndexPage.normalised($0) } }
        for suffix in [".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"] where name.hasSuffix(suffix) {
            let stem = name.dropLast(suffix.count)
            return stem.lastIndex(of: "-").map { IndexPage.normalised(stem[..<$0]) }
        }
        return nil
    }

    /// Gets a distribution file, or its metadata.
    ///
    /// - Parameter expected: what a lock says the bytes hash to.
    func python(
        project: String, file: String, expected: Digest?, isCancelled: @escaping Cancellation = { false }
    ) throws -> GatewayAnswers.Answer {
        let isMetadata = file.hasSuffix(".metadata")
        let name = isMetadata ? String(file.dropLast(9)) : file
        guard let found = try files(of: project, isCancelled: isCancelled).first(where: { $0.filename == name }),
            !isMetadata || found.hasMetadata
        else { return .absent }
        if found.location.hasPrefix("/") {
            guard !isMetadata else { return .absent }
            let (digest, size) = try store.put(file: FilePath(found.location))
            try check(digest, expected ?? found.sha256, found.location)
            return .bytes(digest, size: size)
        }
        let promised = isMetadata ? found.metadataSHA256 : found.sha256
        let answer = try fetch(
            isMetadata ? found.location + ".metadata" : found.location, access: python.access,
            expected: expected ?? promised, isCancelled: isCancelled)
        if isMetadata { prefetch(found, of: project) }
        return answer
    }

    /// Whoever reads a file's metadata most likely installs it: get it while the resolver still thinks.
    private func prefetch(_ file: IndexFile, of project: String) {
        guard let sha256 = file.sha256, !store.contains(sha256), (file.size ?? 0) < 1 << 30 else { return }
        let wanted = state.withLock { state -> Bool in
            guard !state.isStopped, state.fetches[file.location] == nil, state.prefetched[project, default: 0] < 2,
                state.prefetched.count < 500
            else { return false }
            state.prefetched[project, default: 0] += 1
            return true
        }
        guard wanted else { return }
        // Without a thread, or when it fails, the file is fetched when it is asked for.
        try? threads.start { [self] in
            _ = try? fetch(file.location, access: python.access, expected: sha256, isCancelled: { false })
        }
    }

    // MARK: Debian

    /// Gets a file of Debian's archive by its canonical address.
    func debian(
        _ address: String, expected: Digest?, isCancelled: @escaping Cancellation = { false }
    ) throws -> GatewayAnswers.Answer {
        let known = state.withLock { $0.debian }
        let access = known ?? mirrors()
        if known == nil { state.withLock { $0.debian = access } }
        return try fetch(
            access.location(of: address), access: access.access, expected: expected, isCancelled: isCancelled)
    }

    // MARK: both

    /// Gets a URL into the store; nobody sees a byte before all of them are there and are the promised ones.
    private func fetch(
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
            let failure = error as? UpstreamFailure ?? UpstreamFailure(description: "\(error)")
            fetch.result.withLock { $0 = .failure(failure) }
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
        } body: {
            try writer?.write($0)
        }
        guard let writer, let head else {
            if [404, 410].contains(head?.status) { return .absent }
            throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): status \(head?.status ?? 0)")
        }
        if let length = head.length, length != writer.size {
            throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): \(writer.size) of \(length) bytes came")
        }
        // Flushed once for the whole build, before anything names the digest.
        let (digest, size) = try writer.finish(durable: false)
        try check(digest, expected, url)
        return .bytes(digest, size: size)
    }

    private func check(_ digest: Digest, _ expected: Digest?, _ url: String) throws {
        guard let expected, expected != digest else { return }
        throw IbidError(
            "digest-mismatch",
            "\(Address.withoutSecrets(url)) has other bytes than promised: \(digest) instead of \(expected)",
            hint: "do not use it; ask who runs that server", exit: .verificationFailed)
    }

    /// A server may be busy for a moment; what it says for good is not asked again.
    private func retrying<T>(_ isCancelled: Cancellation, _ body: () throws -> T) throws -> T {
        for pause in [200_000, 1_000_000] as [UInt32] {
            do {
                return try body()
            } catch is UpstreamFailure where !isCancelled() && !state.withLock({ $0.isStopped }) {
                usleep(pause)
            }
        }
        return try body()
    }
}
