import IbidModel
import IbidStore

/// What the public index's JSON interface tells of one release of a project. Poetry asks there, and nowhere else.
///
/// It is made of the simple index and of the metadata of one of the release's files, so that it is there whatever index
/// the host uses.
struct Release {
    let project: String
    let version: String
    /// The release's files, those with a digest.
    let files: [IndexFile]

    /// - Parameter listed: all files of the project.
    init(of project: String, version: String, among listed: [IndexFile]) {
        (self.project, self.version) = (project, version)
        let wanted = Self.comparable(version)
        files = listed.filter { file in
            file.sha256 != nil && Self.version(ofFile: file.filename).map(Self.comparable) == wanted
        }
    }

    /// The file whose metadata speaks for all: the first wheel that has it by itself.
    var described: IndexFile? { files.first { $0.hasMetadata && $0.filename.hasSuffix(".whl") } }

    /// The document.
    ///
    /// - Parameter metadata: the core metadata of `described`; without it, what is needed is left open, and whoever asked
    ///   reads the files themselves.
    func json(metadata: [UInt8]?) -> [UInt8] {
        let fields = Self.fields(metadata ?? [])
        func field(_ name: String) -> String? { fields.first { $0.name == name }?.value }
        let needs = fields.filter { $0.name == "requires-dist" }.map { JSONValue.string($0.value) }
        let isYanked = files.allSatisfy { $0.yanked != nil }
        let info: JSONValue = [
            "name": .string(field("name") ?? project), "version": .string(version),
            "summary": .string(field("summary") ?? ""),
            "requires_dist": metadata == nil ? .null : .array(needs),
            "requires_python": .optional(field("requires-python") ?? files.first?.requiresPython),
            "yanked": .bool(isYanked), "yanked_reason": .optional(isYanked ? files.first?.yanked : nil),
        ]
        let urls = files.map { file -> JSONValue in
            [
                "filename": .string(file.filename),
                "packagetype": file.filename.hasSuffix(".whl") ? "bdist_wheel" : "sdist",
                "url": .string(PyPI.address(ofFile: file.filename, project: project)),
                "digests": ["sha256": .string(file.sha256?.hex ?? "")], "size": .int(file.size ?? 0),
                "requires_python": .optional(file.requiresPython),
                "upload_time_iso_8601": .optional(file.uploadTime),
                "yanked": .bool(file.yanked != nil), "yanked_reason": .optional(file.yanked),
            ]
        }
        return CanonicalJSON.bytes(["info": info, "urls": .array(urls)])
    }

    /// The files that such a document lists.
    static func files(in document: [UInt8]) -> [IndexFile] {
        guard let parsed = try? CanonicalJSON.parse(document) else { return [] }
        return (parsed["urls"]?.array ?? []).compactMap { url in
            guard let name = url["filename"]?.string, let digest = url["digests"]?["sha256"]?.string else { return nil }
            return IndexFile(
                filename: name, location: "", sha256: Digest(hex: digest),
                requiresPython: url["requires_python"]?.string, uploadTime: "1980-01-01T00:00:00Z")
        }
    }

    /// The version in the name of a distribution file.
    static func version(ofFile name: String) -> String? {
        if name.hasSuffix(".whl") {
            let parts = name.split(separator: "-")
            return parts.count >= 5 ? String(parts[1]) : nil
        }
        for suffix in [".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"] where name.hasSuffix(suffix) {
            let stem = name.dropLast(suffix.count)
            return stem.lastIndex(of: "-").map { String(stem[stem.index(after: $0)...]) }
        }
        return nil
    }

    /// 1.0 and 1.0.0 are one version (PEP 440).
    private static func comparable(_ version: String) -> String {
        let parts = version.lowercased().replacing("_", with: "+").split(separator: "+", maxSplits: 1)
        var release = String(parts.first ?? "")
        while release.hasSuffix(".0") { release.removeLast(2) }
        return ([release] + parts.dropFirst().map(String.init)).joined(separator: "+")
    }

    /// The header of core metadata, names in lower case.
    private static func fields(_ metadata: [UInt8]) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        for line in String(decoding: metadata, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        {
            if line.isEmpty { break }
            guard !line.hasPrefix(" "), !line.hasPrefix("\t"), let colon = line.firstIndex(of: ":") else { continue }
            let value = DockerfileReader.trimmed(String(line[line.index(after: colon)...]))
            fields.append((line[..<colon].lowercased(), value))
        }
        return fields
    }
}

extension PackageSources {
    /// The document of a release, kept in the store like everything that is handed out.
    func release(
        of project: String, version: String, isCancelled: @escaping Cancellation
    ) throws -> GatewayAnswers.Answer {
        let release = Release(
            of: project, version: version, among: try files(of: project, isCancelled: isCancelled))
        guard !release.files.isEmpty else { return .absent }
        var metadata: [UInt8]?
        if let file = release.described,
            case .bytes(let digest, _) = try python(
                project: project, file: file.filename + ".metadata", expected: nil, isCancelled: isCancelled)
        {
            metadata = try store.read(digest)
        }
        let document = release.json(metadata: metadata)
        return .bytes(try store.put(document), size: Int64(document.count))
    }
}

extension Gateway {
    /// `/pypi/PROJECT/VERSION/json`.
    ///
    /// - Returns: whether the path is of that form.
    func release(_ path: Substring, _ request: HTTPRequest, _ connection: HTTPConnection) throws -> Bool {
        let parts = path.split(separator: "/").compactMap { Address.decoded($0) }
        guard parts.count == 4, parts[0] == "pypi", parts[3] == "json", parts[1...2].allSatisfy(Self.isName) else {
            return false
        }
        let project = IndexPage.normalised(parts[1])
        let found = try answer(
            GatewayRequest.release(project: project, version: parts[2]), client: request.client
        ) { [sources] _ in try sources.release(of: project, version: parts[2], isCancelled: isStopped) }
        try send(found, to: connection)
        return true
    }

    /// The files of the releases of a project that the step's lock has documents of: Poetry chose among them without
    /// getting all of them.
    func releasedFiles(at place: String) throws -> [IndexFile] {
        guard let locked else { return [] }
        return try locked.answers.flatMap { name, answer -> [IndexFile] in
            guard name.hasPrefix(place), name.hasSuffix("/json"), case .bytes(let digest, _) = answer,
                store.contains(digest)
            else { return [] }
            return Release.files(in: try store.read(digest))
        }
    }
}
