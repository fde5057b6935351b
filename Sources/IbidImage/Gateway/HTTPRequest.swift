/// The head of an HTTP/1.1 request.
struct HTTPRequest {
    /// `GET`, `HEAD`…
    let method: String
    /// The request target: a path, or the whole address when a proxy is asked.
    let target: String
    /// Whether it speaks HTTP/1.0.
    let isOld: Bool
    private let headers: [String: String]

    /// Names are not case-sensitive.
    subscript(name: String) -> String? { headers[name.lowercased()] }

    /// Reads the head, without the empty line that ends it; nil when it is none.
    init?(_ head: [UInt8]) {
        let lines = head.split(separator: 0x0a, omittingEmptySubsequences: false)
            .map { String(decoding: $0.last == 0x0d ? $0.dropLast() : $0, as: UTF8.self) }
        let words = (lines.first ?? "").split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2] == "HTTP/1.1" || words[2] == "HTTP/1.0", !words[0].isEmpty, !words[1].isEmpty
        else { return nil }
        method = String(words[0])
        target = String(words[1])
        isOld = words[2] == "HTTP/1.0"
        var headers: [String: String] = [:]
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            headers[line[..<colon].lowercased()] = DockerfileReader.trimmed(String(line[line.index(after: colon)...]))
        }
        self.headers = headers
    }

    /// Whether the client wants the connection to end after the response.
    var closes: Bool { isOld || self["Connection"]?.lowercased() == "close" }

    /// Whether pip is older than 23.2.
    var isOldPip: Bool {
        guard let agent = self["User-Agent"], agent.hasPrefix("pip/") else { return false }
        let numbers = agent.dropFirst(4).prefix { $0 != " " }.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
        return numbers.count == 2 && (numbers[0], numbers[1]) < (23, 2)
    }

    /// Who asks.
    var client: GatewayClient { GatewayClient(userAgent: self["User-Agent"] ?? "") }

    /// Whether a page of a simple index is wanted rather than a file.
    var wantsIndexPage: Bool {
        let accept = self["Accept"] ?? ""
        return accept.contains("vnd.pypi.simple") || accept == "text/html"
    }
}
