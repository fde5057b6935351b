/// Debian control data (deb822): stanzas of fields.
struct ControlStanza {
    /// The stanza's text, without the empty line that ends it.
    let text: String
    private let fields: [String: String]

    /// Field names are not case-sensitive.
    subscript(name: String) -> String? { fields[name.lowercased()] }

    private init(text: String, fields: [String: String]) {
        self.text = text
        self.fields = fields
    }

    /// Every stanza of a text; only the first line of a field's value is kept as the value.
    static func parse(_ text: String) -> [ControlStanza] {
        var stanzas: [ControlStanza] = []
        var lines: [Substring] = []
        func end() {
            guard !lines.isEmpty else { return }
            var fields: [String: String] = [:]
            for line in lines where !line.hasPrefix(" ") && !line.hasPrefix("\t") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                fields[line[..<colon].lowercased()] = DockerfileReader.trimmed(
                    String(line[line.index(after: colon)...]))
            }
            stanzas.append(ControlStanza(text: lines.joined(separator: "\n"), fields: fields))
            lines = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.allSatisfy(\.isWhitespace) { end() } else { lines.append(line) }
        }
        end()
        return stanzas
    }

    /// The text with one field's line replaced.
    func replacing(_ name: String, with value: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.lowercased().hasPrefix(name.lowercased() + ":") ? "\(name): \(value)" : String($0) }
            .joined(separator: "\n")
    }
}
