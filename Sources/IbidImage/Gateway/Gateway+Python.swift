import IbidModel

extension Gateway {
    /// Python's package index as everybody knows it, whatever index this host uses instead.
    ///
    /// - Returns: whether the address belongs to it.
    func python(_ url: String, _ request: HTTPRequest, _ connection: HTTPConnection) throws -> Bool {
        let path = (Address.split(url)?.rest ?? "").prefix { $0 != "?" && $0 != "#" }
        switch Address.host(of: url) {
        case "pypi.org", "pypi.python.org":
            guard path.hasPrefix("/simple/") else { return try release(path, request, connection) }
            let name = path.dropFirst(8).prefix { $0 != "/" }
            guard let decoded = Address.decoded(name), Self.isName(decoded) else {
                try connection.respond("404 Not Found", "ask for a project")
                return true
            }
            let project = IndexPage.normalised(decoded)
            let page = IndexPage(name: project) { PyPI.address(ofFile: $0, project: project) }
            try index(page, at: GatewayRequest.project(project), request, connection) { [sources] in
                try sources.files(of: project, isCancelled: isStopped)
            }
        case "files.pythonhosted.org":
            guard let file = path.split(separator: "/").last.flatMap({ Address.decoded($0) }), Self.isName(file),
                let project = PyPI.project(ofFile: file)
            else { return false }
            let name = GatewayRequest.python(project: project, file: file)
            let found = try answer(name, client: request.client) { [sources] in
                try sources.python(
                    project: project, file: file, address: PyPI.isContentAddress(path) ? url : nil, expected: $0,
                    isCancelled: isStopped)
            }
            tell(of: name, found)
            try send(found, to: connection)
        default: return false
        }
        return true
    }

    /// An index or a file that the recipe names itself.
    func named(_ url: String, _ request: HTTPRequest, _ connection: HTTPConnection) throws {
        let name = GatewayRequest.address(url)
        let credentials = request["Authorization"]
        if request.wantsIndexPage, locked?.answers[name] == nil {
            // What the page lists is handed out below its own address: so the page follows from the lock.
            let place = GatewayRequest.page(url)
            let page = IndexPage(name: String(name.split(separator: "/").last ?? "")) {
                place + Address.encoded($0)
            }
            return try index(page, at: place, request, connection) { [sources] in
                try sources.page(url, authorization: credentials, isCancelled: isStopped)
            }
        }
        let found = try answer(name, client: request.client) { [sources] in
            try sources.named(url, authorization: credentials, expected: $0, isCancelled: isStopped)
        }
        tell(of: name, found)
        try send(found, to: connection)
    }

    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".." && text.utf8.count <= 300
            && text.unicodeScalars.allSatisfy { $0 != "/" && $0.value >= 0x20 }
    }

    private func index(
        _ page: IndexPage, at place: String, _ request: HTTPRequest, _ connection: HTTPConnection,
        fetch: () throws -> [IndexFile]
    ) throws {
        var files = try locked?.indexFiles(at: place) ?? attempt(place, fetch)
        if request.client.readsReleases {
            let known = Set(files.map(\.filename))
            files += try releasedFiles(at: place).filter { !known.contains($0.filename) }
            files.sort { $0.filename < $1.filename }
        }
        guard !files.isEmpty else {
            if locked != nil {
                let isDefault = place == GatewayRequest.project(page.name)
                complain(.notInLock(request.client, isDefault ? page.name : place))
            }
            return try connection.respond("404 Not Found", "there is no project '\(page.name)'")
        }
        if let expectation, let client = request["User-Agent"].flatMap({ PipClient(userAgent: $0) }) {
            expectation.announce(client)
            files = files.filter { client.mayInstall($0.filename) }
        }
        if (request["Accept"] ?? "").contains(IndexPage.jsonType) {
            return try connection.respond(
                "200 OK", type: IndexPage.jsonType, body: page.json(files, forOldPip: request.isOldPip))
        }
        try connection.respond("200 OK", type: "text/html; charset=utf-8", body: page.html(files))
    }
}

extension GatewayAnswers {
    /// The index that a lock amounts to: what was handed out then, and nothing newer.
    ///
    /// - Parameter place: what the names of the page's files begin with.
    func indexFiles(at place: String) -> [IndexFile] {
        var files: [String: IndexFile] = [:]
        for (name, answer) in answers where name.hasPrefix(place) {
            guard case .bytes(let digest, let size) = answer, let file = Address.decoded(name.dropFirst(place.count)),
                !file.isEmpty, !file.contains("/")
            else { continue }
            let isMetadata = file.hasSuffix(".metadata")
            let distribution = isMetadata ? String(file.dropLast(9)) : file
            var entry = files[distribution] ?? IndexFile(filename: distribution, location: "")
            // Before every `exclude-newer`: what is in the lock was new enough once.
            entry.uploadTime = "1980-01-01T00:00:00Z"
            if isMetadata {
                entry.hasMetadata = true
                entry.metadataSHA256 = digest
            } else {
                entry.sha256 = digest
                entry.size = size
            }
            files[distribution] = entry
        }
        return files.values.sorted { $0.filename < $1.filename }
    }
}
