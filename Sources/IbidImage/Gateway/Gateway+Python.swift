import IbidModel

extension Gateway {
    /// `/pypi/simple/<project>/` and `/pypi/files/<project>/<file>`.
    func python(_ path: String, _ request: HTTPRequest, _ connection: HTTPConnection) throws {
        if path.hasPrefix(GatewayPath.simple) {
            let name = path.dropFirst(GatewayPath.simple.count).prefix { $0 != "/" }
            guard let decoded = Address.decoded(name), Self.isName(decoded) else {
                return try connection.respond("404 Not Found", "ask for a project")
            }
            return try index(IndexPage.normalised(decoded), request, connection)
        }
        let parts = path.dropFirst(GatewayPath.files.count).split(separator: "/")
        guard path.hasPrefix(GatewayPath.files), parts.count == 2, let project = Address.decoded(parts[0]),
            let file = Address.decoded(parts[1]), Self.isName(project), Self.isName(file)
        else { return try connection.respond("404 Not Found", "there is nothing of that name") }
        let name = GatewayRequest.python(project: project, file: file)
        let found = try answer(name, client: request.client) {
            try sources.python(project: project, file: file, expected: $0, isCancelled: isStopped)
        }
        try send(found, to: connection)
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text != "." && text != ".." && text.utf8.count <= 300
            && text.unicodeScalars.allSatisfy { $0 != "/" && $0.value >= 0x20 }
    }

    private func index(_ project: String, _ request: HTTPRequest, _ connection: HTTPConnection) throws {
        let files =
            try locked.map { Self.files(of: project, in: $0) } ?? sources.files(of: project, isCancelled: isStopped)
        guard !files.isEmpty else {
            if locked != nil { complain(IbidError.notInLock(request.client, project)) }
            return try connection.respond("404 Not Found", "there is no project '\(project)'")
        }
        if (request["Accept"] ?? "").contains(IndexPage.jsonType) {
            return try connection.respond(
                "200 OK", type: IndexPage.jsonType,
                body: IndexPage.json(project: project, files: files, forOldPip: request.isOldPip))
        }
        try connection.respond(
            "200 OK", type: "text/html; charset=utf-8", body: IndexPage.html(project: project, files: files))
    }

    /// The index that a lock amounts to: what was handed out then, and nothing newer.
    static func files(of project: String, in lock: GatewayAnswers) -> [IndexFile] {
        var files: [String: IndexFile] = [:]
        for (name, answer) in lock.answers {
            guard let (owner, file) = GatewayRequest.python(name), owner == project,
                case .bytes(let digest, let size) = answer
            else { continue }
            let isMetadata = file.hasSuffix(".metadata")
            let distribution = isMetadata ? String(file.dropLast(9)) : file
            var entry =
                files[distribution]
                ?? IndexFile(
                    filename: distribution, location: "", sha256: nil, requiresPython: nil, hasMetadata: false,
                    metadataSHA256: nil, yanked: nil, size: nil, uploadTime: nil)
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
