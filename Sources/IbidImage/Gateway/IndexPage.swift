import FoundationEssentials
import IbidModel

/// One distribution file of a project, as an index lists it.
struct IndexFile: Hashable, Sendable {
    /// The file's name.
    var filename: String
    /// Where it is: a URL, or a path on this host.
    var location: String
    /// The digest that the index promises.
    var sha256: Digest?
    /// `Requires-Python`.
    var requiresPython: String?
    /// Whether the metadata can be had by itself (PEP 658).
    var hasMetadata = false
    /// The digest of the metadata that the index promises.
    var metadataSHA256: Digest?
    /// Whether it was withdrawn, and why.
    var yanked: String?
    /// The file's length in bytes.
    var size: Int64?
    /// When it appeared; uv's `exclude-newer` asks.
    var uploadTime: String?
}

/// A page of a simple index: PEP 503 (HTML) and PEP 691 (JSON).
struct IndexPage {
    /// The project's name.
    let name: String
    /// Where the page says that a file is.
    let link: (_ filename: String) -> String

    static let jsonType = "application/vnd.pypi.simple.v1+json"
    static let htmlType = "application/vnd.pypi.simple.v1+html"
    static let accept = "\(jsonType), \(htmlType);q=0.2, text/html;q=0.1"

    /// PEP 503's normal form of a project's name.
    static func normalised(_ name: some StringProtocol) -> String {
        var result = ""
        var separated = false
        for character in name.lowercased() {
            if "-_.".contains(character) {
                separated = true
            } else {
                if separated { result += "-" }
                separated = false
                result.append(character)
            }
        }
        return separated ? result + "-" : result
    }

    /// Reads a page of either form.
    ///
    /// - Parameter url: where it came from, to resolve its links.
    static func parse(_ body: [UInt8], type: String, url: String) throws -> [IndexFile] {
        if type.lowercased().contains("json") { return try parseJSON(body, url: url) }
        return IndexHTML.links(String(decoding: body, as: UTF8.self)).compactMap { link in
            guard let href = link.attributes["href"] else { return nil }
            let parts = href.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
            let location = Address.resolve(String(parts[0]), against: url)
            let name = location.prefix { $0 != "?" }.split(separator: "/").last.flatMap { Address.decoded($0) } ?? ""
            guard !name.isEmpty else { return nil }
            let fragment = parts.count == 2 ? String(parts[1]) : ""
            let metadata = link.attributes["data-core-metadata"] ?? link.attributes["data-dist-info-metadata"]
            return IndexFile(
                filename: name, location: location,
                sha256: fragment.hasPrefix("sha256=") ? Digest(hex: String(fragment.dropFirst(7))) : nil,
                requiresPython: link.attributes["data-requires-python"], hasMetadata: metadata != nil,
                metadataSHA256: metadata.flatMap {
                    $0.hasPrefix("sha256=") ? Digest(hex: String($0.dropFirst(7))) : nil
                }, yanked: link.attributes["data-yanked"], size: nil, uploadTime: nil)
        }
    }

    private struct Page: Decodable {
        struct File: Decodable {
            var filename: String
            var url: String
            var hashes: [String: String]?
            var requiresPython: String?
            var yanked: Flag?
            var coreMetadata: Flag?
            var distInfoMetadata: Flag?
            var size: Int64?
            var uploadTime: String?

            enum CodingKeys: String, CodingKey {
                case filename, url, hashes, yanked, size
                case requiresPython = "requires-python"
                case coreMetadata = "core-metadata"
                case distInfoMetadata = "dist-info-metadata"
                case uploadTime = "upload-time"
            }
        }
        var files: [File]
    }

    /// A truth value that may be text or hashes instead.
    private enum Flag: Decodable {
        case off
        case on(text: String, hashes: [String: String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let value = try? container.decode(Bool.self) {
                self = value ? .on(text: "", hashes: [:]) : .off
            } else if let text = try? container.decode(String.self) {
                self = .on(text: text, hashes: [:])
            } else {
                self = .on(text: "", hashes: (try? container.decode([String: String].self)) ?? [:])
            }
        }

        var isOn: Bool { if case .on = self { true } else { false } }
        var text: String? { if case .on(let text, _) = self { text } else { nil } }
        var sha256: Digest? {
            if case .on(_, let hashes) = self { hashes["sha256"].flatMap { Digest(hex: $0) } } else { nil }
        }
    }

    private static func parseJSON(_ body: [UInt8], url: String) throws -> [IndexFile] {
        let page: Page
        do {
            page = try JSONDecoder().decode(Page.self, from: Data(body))
        } catch {
            throw UpstreamFailure(description: "\(Address.withoutSecrets(url)): not a simple index page")
        }
        return page.files.map { file in
            let metadata = file.coreMetadata?.isOn ?? false ? file.coreMetadata : file.distInfoMetadata
            return IndexFile(
                filename: file.filename, location: Address.resolve(file.url, against: url),
                sha256: file.hashes?["sha256"].flatMap { Digest(hex: $0) }, requiresPython: file.requiresPython,
                hasMetadata: metadata?.isOn ?? false, metadataSHA256: metadata?.sha256, yanked: file.yanked?.text,
                size: file.size, uploadTime: file.uploadTime)
        }
    }

    /// The page in JSON.
    ///
    /// - Parameter forOldPip: pip before 23.2 looks for metadata under PEP 658's first name and takes nothing but text
    ///   there; PEP 714 renamed the key because of it.
    func json(_ files: [IndexFile], forOldPip: Bool) -> [UInt8] {
        let listed = files.map { file -> JSONValue in
            var members: [String: JSONValue] = [
                "filename": .string(file.filename), "url": .string(link(file.filename)),
                "hashes": .strings(file.sha256.map { ["sha256": $0.hex] } ?? [:]),
            ]
            if let requires = file.requiresPython { members["requires-python"] = .string(requires) }
            if let yanked = file.yanked { members["yanked"] = yanked.isEmpty ? true : .string(yanked) }
            if file.hasMetadata, forOldPip {
                members["dist-info-metadata"] = .string(file.metadataSHA256.map { "sha256=\($0.hex)" } ?? "true")
            } else if file.hasMetadata {
                members["core-metadata"] = file.metadataSHA256.map { ["sha256": .string($0.hex)] } ?? true
            }
            if let size = file.size { members["size"] = .int(size) }
            if let time = file.uploadTime { members["upload-time"] = .string(time) }
            return .object(members)
        }
        // 1.0: later versions also have to list the project's versions.
        return CanonicalJSON.bytes(["meta": ["api-version": "1.0"], "name": .string(name), "files": .array(listed)])
    }

    /// The same in HTML.
    func html(_ files: [IndexFile]) -> [UInt8] {
        var page = "<!DOCTYPE html><html><head><meta name=\"pypi:repository-version\" content=\"1.0\"></head><body>\n"
        for file in files {
            page += "<a href=\"\(IndexHTML.escaped(link(file.filename)))"
            if let sha256 = file.sha256 { page += "#sha256=\(sha256.hex)" }
            page += "\""
            if let requires = file.requiresPython { page += " data-requires-python=\"\(IndexHTML.escaped(requires))\"" }
            if let yanked = file.yanked { page += " data-yanked=\"\(IndexHTML.escaped(yanked))\"" }
            if file.hasMetadata {
                let value = file.metadataSHA256.map { "sha256=\($0.hex)" } ?? "true"
                page += " data-core-metadata=\"\(value)\" data-dist-info-metadata=\"\(value)\""
            }
            page += ">\(IndexHTML.escaped(file.filename))</a>\n"
        }
        return Array((page + "</body></html>\n").utf8)
    }
}
