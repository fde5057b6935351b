import IbidModel

/// A conda environment, as far as the Python package index has what it names.
///
/// Of YAML it reads what such files consist of; anything else is refused with its line.
struct CondaEnvironment {
    /// The Python that is asked for.
    private(set) var python: (text: String, line: Int)?
    /// Requirements in pip's form, in the order of the file.
    private(set) var requirements: [(text: String, line: Int)] = []
    /// What is set for whoever uses the environment.
    private(set) var variables: [(name: String, value: String)] = []
    /// What the user should know.
    private(set) var notes: [String] = []

    private let file: String
    private var foreign: [String] = []
    private var provided: [String] = []

    init(text: String, file: String) throws {
        self.file = file
        var section = ""
        var pipIndent: Int?
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = index + 1
            let content = Self.withoutComment(String(raw))
            let trimmed = DockerfileReader.trimmed(content)
            if trimmed.isEmpty || trimmed == "---" { continue }
            let indent = content.prefix { $0 == " " }.count
            guard !content.dropFirst(indent).hasPrefix("\t") else { throw bad(line, "a tab cannot indent") }
            if trimmed.hasPrefix("- ") || trimmed == "-" {
                let item = DockerfileReader.trimmed(String(trimmed.dropFirst()))
                if let start = pipIndent, indent > start {
                    requirements.append((try scalar(item, line), line))
                } else {
                    pipIndent = nil
                    try add(item, section, line) { pipIndent = indent }
                }
                continue
            }
            guard let colon = trimmed.firstIndex(of: ":") else { throw bad(line, "this is not understood") }
            let key = String(trimmed[..<colon])
            let value = DockerfileReader.trimmed(String(trimmed[trimmed.index(after: colon)...]))
            if indent > 0 {
                guard section == "variables" else { throw bad(line, "this is not understood") }
                variables.append((key, try scalar(value, line)))
                continue
            }
            (section, pipIndent) = (key, nil)
            try open(section, value, line)
        }
        try conclude()
    }

    private mutating func open(_ section: String, _ value: String, _ line: Int) throws {
        switch section {
        case "name", "prefix", "platforms": return
        case "channels", "dependencies", "variables":
            guard !value.isEmpty else { return }
            guard value.hasPrefix("["), value.hasSuffix("]") else { throw bad(line, "'\(section)' is a list") }
            for item in value.dropFirst().dropLast().split(separator: ",") where section == "dependencies" {
                try add(DockerfileReader.trimmed(String(item)), section, line) {}
            }
        default: throw bad(line, "'\(section)' is nothing that a conda environment has")
        }
    }

    private mutating func add(_ item: String, _ section: String, _ line: Int, pip: () -> Void) throws {
        guard section == "dependencies" else {
            guard section == "channels" || section == "platforms" else { throw bad(line, "this is not understood") }
            return
        }
        if item == "pip:" { return pip() }
        guard !item.isEmpty, !item.hasSuffix(":") else { throw bad(line, "this is not understood") }
        try match(try scalar(item, line), line)
    }

    /// One of conda's match specifications.
    private mutating func match(_ item: String, _ line: Int) throws {
        let spec = item.split(separator: ":").last.map(String.init) ?? item
        let name = spec.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) }.lowercased()
        guard !name.isEmpty else { throw bad(line, "'\(item)' is no package") }
        var version = DockerfileReader.trimmed(String(spec.dropFirst(name.count)))
        guard !version.contains("["), !version.contains("|") else {
            throw bad(line, "'\(item)' asks in a way that pip has no word for")
        }
        if name == "python" {
            if !version.isEmpty { python = (version, line) }
            return
        }
        if name == "pip" { return }
        if CondaNames.provided.contains(name) || name.hasPrefix("_") { return provided.append(name) }
        guard let known = CondaNames.index(name) else { return foreign.append("\(name) (line \(line))") }
        version = try Self.pip(version) ?? { throw bad(line, "'\(item)' has no version that pip understands") }()
        requirements.append((known + version, line))
    }

    /// Conda's conditions on a version as pip writes them; nil when they cannot be.
    static func pip(_ version: String) -> String? {
        if version.isEmpty || version == "*" { return "" }
        var clauses: [String] = []
        for clause in version.split(separator: ",").map({ DockerfileReader.trimmed(String($0)) }) {
            let sign = clause.prefix { "<>=!~".contains($0) }
            // A third part names one build of the package, which only conda has.
            let words = clause.dropFirst(sign.count).split(whereSeparator: { $0 == "=" || $0.isWhitespace })
            guard let number = words.first, number.allSatisfy({ $0.isLetter || $0.isNumber || ".*+!-_".contains($0) })
            else { return nil }
            switch sign {
            case "=" where words.count == 1 && !number.hasSuffix("*"): clauses.append("==\(number).*")
            case "=", "", "==":
                let isLoose = number.hasSuffix("*") && !number.hasSuffix(".*")
                clauses.append("==" + (isLoose ? "\(number.dropLast()).*" : number))
            case ">=", "<=", ">", "<", "!=", "~=":
                // 3.* after a comparison means 3 to conda, and nothing to pip.
                clauses.append(
                    String(sign)
                        + (number.hasSuffix(".*") && sign != "!=" ? String(number.dropLast(2)) : String(number)))
            default: return nil
            }
        }
        return clauses.joined(separator: ",")
    }

    private mutating func conclude() throws {
        guard foreign.isEmpty else {
            throw IbidError.recipeFile(
                file, nil, "not known to be on the Python package index: " + foreign.joined(separator: ", "),
                hint: "list what pip can install under 'pip:', what Debian has in apt.txt, or write a Dockerfile")
        }
        if !provided.isEmpty {
            notes.append("\(file): the base, or the wheels themselves, have \(provided.joined(separator: ", "))")
        }
        notes.append("\(file): packages come from the Python package index, not from conda's channels")
    }

    private func bad(_ line: Int, _ problem: String) -> IbidError { .recipeFile(file, line, problem) }

    private func scalar(_ text: String, _ line: Int) throws -> String {
        for quote in ["\"", "'"] where text.hasPrefix(quote) {
            guard text.count >= 2, text.hasSuffix(quote) else { throw bad(line, "a quotation is not closed") }
            let inner = String(text.dropFirst().dropLast())
            guard !inner.contains("\\"), !inner.contains(quote) else { throw bad(line, "escapes are not understood") }
            return inner
        }
        guard let first = text.first else { return "" }
        guard !"&*!|>%@`{[".contains(first) else { throw bad(line, "'\(text)' is not understood") }
        return text
    }

    private static func withoutComment(_ line: String) -> String {
        var quote: Character?
        var previous: Character = " "
        for index in line.indices {
            let character = line[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "\"" || character == "'", previous == " " {
                quote = character
            } else if character == "#", previous == " " {
                return String(line[..<index])
            }
            previous = character
        }
        return line
    }
}
