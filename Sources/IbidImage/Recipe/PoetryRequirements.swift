import IbidModel
import IbidTOML

/// `[tool.poetry.dependencies]` as pip writes it, for a project that is no package and has no lock.
struct PoetryRequirements {
    /// Lines of a requirements file, with their lines in pyproject.toml.
    private(set) var lines: [(text: String, line: Int)] = []

    /// - Throws: `recipe-file` with the line, for what pip has no word for.
    init(_ poetry: TOMLNode) throws {
        for source in poetry["source"]?.array ?? [] {
            guard let url = source["url"]?.string, Address.host(of: url) != "pypi.org" else { continue }
            lines.append(("--extra-index-url \(url)", source.line))
        }
        let named = (poetry["dependencies"]?.table ?? [:]).filter { $0.key != "python" }
        for (name, value) in named.sorted(by: { $0.value.line < $1.value.line }) {
            // Several constraints of one name hold in different places.
            for one in value.array ?? [value] where one["optional"]?.boolean != true {
                lines.append((try Self.requirement(name, one), value.line))
            }
        }
    }

    private static func requirement(_ name: String, _ node: TOMLNode) throws -> String {
        if node["git"] != nil {
            throw IbidError.recipeFile(
                ProjectFile.name, node.line, "'\(name)' comes from a git repository, which no build step reaches",
                hint: "lock it with uv, or name an archive of the commit: url = \"https://…/archive/COMMIT.tar.gz\"")
        }
        if let path = node["path"]?.string ?? node["file"]?.string { return "./\(path)" }
        let extras = node["extras"]?.array?.compactMap(\.string) ?? []
        let named = name + (extras.isEmpty ? "" : "[\(extras.joined(separator: ","))]")
        let marker = try marker(node)
        if let url = node["url"]?.string { return "\(named) @ \(url)\(marker)" }
        let wish = node.string ?? node["version"]?.string ?? "*"
        guard let version = clauses(wish)?.joined(separator: ",") else {
            throw IbidError.recipeFile(
                ProjectFile.name, node.line, "'\(name) = \"\(wish)\"' asks in a way that pip has no word for",
                hint: "lock it: poetry lock")
        }
        return named + version + marker
    }

    private static func marker(_ node: TOMLNode) throws -> String {
        var parts: [String] = []
        if let markers = node["markers"]?.string { parts.append("(\(markers))") }
        if let platform = node["platform"]?.string { parts.append("sys_platform == '\(platform)'") }
        if let python = node["python"]?.string {
            guard let clauses = clauses(python) else {
                throw IbidError.recipeFile(
                    ProjectFile.name, node.line, "'python = \"\(python)\"' asks in a way that pip has no word for",
                    hint: "lock it: poetry lock")
            }
            parts += clauses.map { clause in
                let sign = clause.prefix { "<>=!~".contains($0) }
                let number = clause.dropFirst(sign.count)
                let isFull = number.split(separator: ".").count > 2 && !number.hasSuffix("*")
                return "\(isFull ? "python_full_version" : "python_version") \(sign) '\(number)'"
            }
        }
        return parts.isEmpty ? "" : " ; " + parts.joined(separator: " and ")
    }

    /// Poetry's constraint in the words of PEP 440; empty when anything will do, nil when there are none.
    static func clauses(_ constraint: String) -> [String]? {
        guard !constraint.contains("|") else { return nil }
        var clauses: [String] = []
        var sign = ""
        for word in constraint.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let own = word.prefix { "<>=!~^".contains($0) }
            sign += own
            let number = String(word.dropFirst(own.count))
            // A sign may stand apart from its number.
            if number.isEmpty { continue }
            guard number.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".*+!-_".contains($0)) }) else {
                return nil
            }
            switch sign {
            case "", "=", "==": if number != "*" { clauses.append("==" + number) }
            case "^", "~":
                guard let end = end(after: number, caret: sign == "^") else { return nil }
                clauses += [">=" + number, "<" + end]
            case ">=", "<=", ">", "<", "!=", "~=": clauses.append(sign + number)
            default: return nil
            }
            sign = ""
        }
        return sign.isEmpty ? clauses : nil
    }

    /// The first version that `^` (the first number that is not zero stays) or `~` (the minor stays) leaves out.
    private static func end(after number: String, caret: Bool) -> String? {
        var parts: [Int] = []
        for part in number.split(separator: ".", omittingEmptySubsequences: false) {
            // What stands behind a number (1.2rc1) is of that release.
            guard let value = Int(part.prefix { $0.isNumber }) else { return nil }
            parts.append(value)
        }
        let kept = caret ? parts.firstIndex { $0 != 0 } ?? parts.count - 1 : min(1, parts.count - 1)
        return (parts[..<kept] + [parts[kept] + 1]).map(String.init).joined(separator: ".")
    }
}
