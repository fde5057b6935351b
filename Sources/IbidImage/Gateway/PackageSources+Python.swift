import IbidModel
import IbidStore
import Synchronization
import SystemPackage

extension PackageSources {
    // MARK: the host's indexes

    /// Every file of a project that the host's indexes and directories have.
    func files(of project: String, isCancelled: @escaping Cancellation = { false }) throws -> [IndexFile] {
        while true {
            let (known, running) = state.withLock { state -> ([IndexFile]?, Latch?) in
                if let known = state.projects[project] { return (known, nil) }
                if let running = state.reading[project] { return (nil, running) }
                state.reading[project] = Latch()
                return (nil, nil)
            }
            if let known { return known }
            guard let running else { break }
            // Somebody else is getting it; when that fails, it is this one's turn.
            running.wait()
        }
        defer { state.withLock { $0.reading.removeValue(forKey: project) }?.open() }
        var files: [String: IndexFile] = [:]
        for index in python.indexes {
            let url = "\(index)/\(project)/"
            let listed: [IndexFile]?
            do {
                listed = try readPage(url, access: python.access, isCancelled: isCancelled)
            } catch let error as UpstreamStatus {
                throw UpstreamFailure(
                    description: "\(Address.withoutSecrets(url)): \(error)"
                        + (error.wantsCredentials
                            ? "; are user and password in this host's pip configuration right?" : ""))
            }
            for var file in listed ?? [] where files[file.filename] == nil {
                file.location = Address.withCredentials(file.location, of: index)
                files[file.filename] = file
            }
        }
        for file in localFiles(of: project) where files[file.filename] == nil { files[file.filename] = file }
        let sorted = files.values.sorted { $0.filename < $1.filename }
        state.withLock { $0.projects[project] = sorted }
        return sorted
    }

    /// Reads a page; nil when there is none.
    private func readPage(
        _ url: String, access: UpstreamAccess, isCancelled: @escaping Cancellation
    ) throws -> [IndexFile]? {
        let page = try retrying(isCancelled) {
            try upstream.bytes(
                url, access: access, accept: IndexPage.accept, limit: 256 << 20, isCancelled: isCancelled)
        }
        return try page.map { try IndexPage.parse($0.body, type: $0.type, url: $0.url) }
    }

    private func localFiles(of project: String) -> [IndexFile] {
        python.directories.flatMap { directory -> [IndexFile] in
            // A directory that is gone has nothing, as for pip.
            ((try? names(in: directory)) ?? []).filter { PyPI.project(ofFile: $0) == project }.map { name in
                let path = directory.appending(name)
                return IndexFile(filename: name, location: path.string, size: fileSize(path))
            }
        }
    }

    /// Gets a distribution file, or its metadata.
    ///
    /// - Parameters:
    ///   - address: where the public index has it, when the step knows; it counts when this host uses that index, or
    ///     when its own does not have the file.
    ///   - expected: what a lock says the bytes hash to.
    func python(
        project: String, file: String, address: String? = nil, expected: Digest?,
        isCancelled: @escaping Cancellation = { false }
    ) throws -> GatewayAnswers.Answer {
        if let address, python.usesPyPI, state.withLock({ $0.projects[project] }) == nil {
            return try load(address, access: python.access, expected: expected, isCancelled: isCancelled)
        }
        let listed = try files(of: project, isCancelled: isCancelled)
        let answer = try pick(
            file, among: listed, of: project, access: python.access, expected: expected, isCancelled: isCancelled)
        guard answer == .absent, let address else { return answer }
        return try load(address, access: python.access, expected: expected, isCancelled: isCancelled)
    }

    private func pick(
        _ file: String, among listed: [IndexFile], of project: String, access: UpstreamAccess, expected: Digest?,
        isCancelled: @escaping Cancellation
    ) throws -> GatewayAnswers.Answer {
        let isMetadata = file.hasSuffix(".metadata")
        let name = isMetadata ? String(file.dropLast(9)) : file
        guard let found = listed.first(where: { $0.filename == name }), !isMetadata || found.hasMetadata else {
            return .absent
        }
        if found.location.hasPrefix("/") {
            guard !isMetadata else { return .absent }
            let (digest, size) = try store.put(file: FilePath(found.location))
            try check(digest, expected ?? found.sha256, found.location)
            return .bytes(digest, size: size)
        }
        let promised = isMetadata ? found.metadataSHA256 : found.sha256
        let answer = try load(
            isMetadata ? found.location + ".metadata" : found.location, access: access,
            expected: expected ?? promised, isCancelled: isCancelled)
        if isMetadata { prefetch(found, of: project, access: access) }
        return answer
    }

    /// A file that an index says is there; what its server refuses is a failure.
    private func load(
        _ url: String, access: UpstreamAccess, expected: Digest?, isCancelled: @escaping Cancellation
    ) throws -> GatewayAnswers.Answer {
        do {
            return try fetch(url, access: access, expected: expected, isCancelled: isCancelled)
        } catch let error as UpstreamStatus {
            throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): \(error)")
        }
    }

    /// Whoever reads a file's metadata most likely installs it: get it while the resolver still thinks.
    private func prefetch(_ file: IndexFile, of project: String, access: UpstreamAccess) {
        guard isWorthGetting(file, of: project) else { return }
        // Without a thread, or when it fails, the file is fetched when it is asked for.
        try? threads.start { [self] in
            _ = try? fetch(file.location, access: access, expected: file.sha256, isCancelled: { false })
        }
    }

    /// Whether a file is to be got before it is asked for: few per project, none twice.
    private func isWorthGetting(_ file: IndexFile, of project: String) -> Bool {
        guard let sha256 = file.sha256, !store.contains(sha256), (file.size ?? 0) < 1 << 30,
            !file.location.hasPrefix("/")
        else { return false }
        return state.withLock { state -> Bool in
            guard !state.isStopped, state.fetches[file.location] == nil, state.prefetched[project, default: 0] < 2,
                state.prefetched.count < 500
            else { return false }
            state.prefetched[project, default: 0] += 1
            return true
        }
    }

    /// Gets what a step will ask for while its pip still starts. What fails here is tried again when it is asked for.
    func expect(_ expectation: PipExpectation) {
        for _ in 0..<min(8, expectation.requirements.count) {
            try? threads.start { [self] in
                while let requirement = expectation.nextPage() {
                    _ = try? files(of: requirement.project, isCancelled: expectation.isOver)
                }
                guard let client = expectation.client() else { return }
                while let requirement = expectation.nextFile() {
                    guard let version = requirement.version,
                        let files = try? files(of: requirement.project, isCancelled: expectation.isOver),
                        let file = client.likely(of: files, version: version),
                        isWorthGetting(file, of: requirement.project)
                    else { continue }
                    _ = try? fetch(
                        file.location, access: python.access, expected: file.sha256, isCancelled: expectation.isOver)
                }
            }
        }
    }

    // MARK: what recipes name

    /// The files of an index page that a recipe names itself; empty when there is no such page.
    ///
    /// - Throws: `UpstreamStatus` when the server wants somebody else to ask.
    func page(
        _ url: String, authorization: String?, isCancelled: @escaping Cancellation = { false }
    ) throws -> [IndexFile] {
        let place = GatewayRequest.page(url)
        if let known = state.withLock({ $0.pages[place] }) { return known }
        let files: [IndexFile]
        do {
            files = try readPage(url, access: access(to: url, authorization), isCancelled: isCancelled) ?? []
        } catch let error as UpstreamStatus where !error.wantsCredentials || authorization != nil {
            // Some indexes say 403 of every project that they do not have.
            guard error.status == 403 else { throw error }
            files = []
        }
        let sorted = files.sorted { $0.filename < $1.filename }
        state.withLock { $0.pages[place] = sorted }
        return sorted
    }

    /// Gets a file by an address that a recipe names, or that such a page was given out with.
    func named(
        _ url: String, authorization: String?, expected: Digest?, isCancelled: @escaping Cancellation = { false }
    ) throws -> GatewayAnswers.Answer {
        let access = access(to: url, authorization)
        func listed(_ files: [IndexFile]) throws -> GatewayAnswers.Answer {
            guard let name = Address.lastName(of: url) else { return .absent }
            return try pick(
                name, among: files, of: Address.directory(of: url), access: access, expected: expected,
                isCancelled: isCancelled)
        }
        if let files = state.withLock({ $0.pages[Address.directory(of: url)] }) { return try listed(files) }
        let answer = try fetch(url, access: access, expected: expected, isCancelled: isCancelled)
        guard answer == .absent, expected != nil else { return answer }
        // The lock has it from an index page of an earlier build.
        return try listed(try page(Address.directory(of: url), authorization: authorization, isCancelled: isCancelled))
    }

    /// A recipe must not reach into the networks of this host, unless the host's own configuration does.
    private func access(to url: String, _ authorization: String?) -> UpstreamAccess {
        var access = python.access
        access.authorization = authorization
        access.isPublicOnly = !python.indexes.contains { Address.host(of: $0) == Address.host(of: url) }
        return access
    }
}
