/// `.dockerignore`: which paths of a tree are left out. The last matching line decides; a line with `!` takes back.
///
/// A line also matches everything below what it names, as far as it was asked there: after `a/b`, a line `!a` takes back
/// nothing below `a/b`, because nothing of `a` was left out when it was asked about `a` (moby's `patternmatcher`,
/// `MatchesUsingParentResults`, which is what BuildKit's clients walk a context with).
struct IgnoreRules {
    private struct Rule {
        var pattern: PathPattern
        var keeps: Bool
    }

    private static let longestPattern = 4_096
    private static let mostRules = 10_000

    private var rules: [Rule] = []

    /// Whether something below what is left out may be taken back.
    var takesBack: Bool { rules.contains { $0.keeps } }

    /// Whether nothing is left out.
    var isEmpty: Bool { rules.isEmpty }

    /// Reads a file of that form.
    ///
    /// - Throws: `PatternError` for a line that is no pattern.
    init(text: String) throws(PatternError) {
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("#") { continue }
            let pattern = DockerfileReader.trimmed(line.hasPrefix("\u{FEFF}") ? String(line.dropFirst()) : String(line))
            if pattern.isEmpty { continue }
            guard add(pattern) else { throw PatternError(line: index + 1, text: String(line)) }
        }
    }

    /// Rules from `--exclude` flags.
    init(patterns: [String]) throws(PatternError) {
        for pattern in patterns {
            guard add(DockerfileReader.trimmed(pattern)) else { throw PatternError(line: 0, text: pattern) }
        }
    }

    private mutating func add(_ text: String) -> Bool {
        guard text.utf8.count <= Self.longestPattern, rules.count < Self.mostRules else { return false }
        let keeps = text.hasPrefix("!")
        let name = keeps ? DockerfileReader.trimmed(String(text.dropFirst())) : text
        if name.isEmpty { return !keeps }
        guard let cleaned = Self.cleaned(name) else { return true }
        guard let pattern = PathPattern(cleaned) else { return false }
        rules.append(Rule(pattern: pattern, keeps: keeps))
        return true
    }

    /// Without leading and trailing slashes, `.` and `..` components, as Go's `filepath.Clean` does it; nil for what
    /// names the whole tree or something outside of it: as moby does, that leaves nothing out.
    private static func cleaned(_ pattern: String) -> String? {
        var parts: [Substring] = []
        for part in pattern.split(separator: "/") where part != "." {
            if part == "..", parts.popLast() == nil, !pattern.hasPrefix("/") { return nil }
            if part != ".." { parts.append(part) }
        }
        return parts.isEmpty ? nil : parts.joined(separator: "/")
    }

    /// Whether the path is left out.
    func excludes(_ path: String) -> Bool {
        var matched = [Bool](repeating: false, count: rules.count)
        var excluded = false
        for end in path.indices.filter({ path[$0] == "/" }) + [path.endIndex] {
            excluded = false
            for (index, rule) in rules.enumerated() {
                if !matched[index], rule.keeps == excluded {
                    matched[index] = rule.pattern.matches(String(path[..<end]))
                }
                if matched[index] { excluded = !rule.keeps }
            }
        }
        return excluded
    }
}

/// A line that is no pattern.
struct PatternError: Error, Hashable {
    /// The line's number, from 1; 0 when it stands in no file.
    var line: Int
    /// Its text.
    var text: String
}
