import IbidModel

/// The Python that a repository asks for.
struct PythonWish {
    /// `3.MINOR`.
    private(set) var version = DebianRelease.preferred.python
    /// Whether a file names it, and not only what it may be.
    private(set) var isExplicit = false
    /// The file that says so; nil when none does.
    private(set) var origin: String?

    /// Whether it is what is taken when nobody asks.
    var isPreferred: Bool { version == DebianRelease.preferred.python }

    init() {}

    /// A version as people write it: `3.11`, `3.11.4`, `=3.11`, `python-3.11`, `cpython-3.11.4-linux-x86_64-gnu`,
    /// `3.11.*`, or a range: `>=3.10,<3.13`.
    ///
    /// The last number is not held to: a base has one Python of each kind.
    init(_ text: String, from file: String, line: Int?) throws {
        let wish = DockerfileReader.trimmed(text)
        isExplicit = true
        origin = line.map { "\(file):\($0)" } ?? file
        if wish.contains(",") || ["<", ">", "!", "^"].contains(where: wish.hasPrefix) {
            version = "3.\(try Self.minor(satisfying: wish, from: file, line: line))"
            return
        }
        guard let numbers = Self.numbers(of: wish.lowercased()) else {
            throw IbidError.recipeFile(
                file, line, "'\(wish)' is no Python that a base can have",
                hint: "write 3.11, or a Dockerfile with a base of your own")
        }
        if numbers.count > 1, let minor = Int(numbers[1]) { version = "3.\(minor)" }
    }

    /// The parts of a version; nil when it is none of a 3.
    private static func numbers(of wish: String) -> [Substring]? {
        var rest = Substring(wish)
        for sign in ["===", "==", "=", "~="] where rest.hasPrefix(sign) {
            rest = rest.dropFirst(sign.count)
            break
        }
        for name in ["cpython", "python"] where rest.hasPrefix(name) {
            rest = rest.dropFirst(name.count)
            for sign in ["==", "-", "@", "=", " "] where rest.hasPrefix(sign) {
                rest = rest.dropFirst(sign.count)
                break
            }
        }
        // What may stand behind it: uv's platform, pyenv's virtual environment, conda's build, a pre-release.
        let numbers = rest.prefix { !"-/ =".contains($0) }
            .split(separator: ".", omittingEmptySubsequences: false)
        guard (1...4).contains(numbers.count), numbers[0] == "3",
            numbers.dropFirst().allSatisfy({ Int($0) != nil || $0 == "*" || $0 == "x" })
        else { return nil }
        return numbers
    }

    /// What the files of a source ask for; Debian's 3.11 when they do not mind.
    static func find(in tree: SourceTree, project: ProjectFile?) throws -> PythonWish {
        for name in [".python-version", "runtime.txt"] {
            guard let text = try tree.text(of: name, limit: 1 << 20) else { continue }
            let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .map { DockerfileReader.trimmed(String($0)) }
            // Of several, pyenv takes the first.
            guard let index = lines.firstIndex(where: { !$0.isEmpty && !$0.hasPrefix("#") }),
                lines[index] != "system"  // pyenv: whatever the machine has
            else { continue }
            return try PythonWish(lines[index], from: name, line: index + 1)
        }
        var wish = PythonWish()
        guard let requires = project?.requiresPython else { return wish }
        let minor = try minor(satisfying: requires.text, from: ProjectFile.name, line: requires.line)
        wish.version = "3.\(minor)"
        wish.origin = "\(ProjectFile.name):\(requires.line)"
        return wish
    }

    /// The minor of the Python to take: one that a built-in base has if it will do, else the newest that was widely used.
    private static func minor(satisfying range: String, from file: String, line: Int?) throws -> Int {
        let found = try (DebianRelease.all.map(\.pythonMinor) + [12, 14, 10, 8]).first { minor in
            // Poetry separates alternatives.
            try range.replacing("||", with: "|").split(separator: "|").contains { alternative in
                try alternative.split(separator: ",").allSatisfy {
                    try satisfies(minor, String($0), from: file, line: line)
                }
            }
        }
        guard let found else {
            throw IbidError.recipeFile(file, line, "no Python from 3.8 to 3.14 satisfies '\(range)'")
        }
        return found
    }

    /// Whether the last 3.MINOR that a base has satisfies one clause of PEP 440, or of Poetry.
    private static func satisfies(_ minor: Int, _ clause: String, from file: String, line: Int?) throws -> Bool {
        let text = DockerfileReader.trimmed(clause)
        if text.isEmpty || text == "*" { return true }
        let sign = text.prefix { "<>=!~^".contains($0) }
        var number = DockerfileReader.trimmed(String(text.dropFirst(sign.count)))
        let isPrefix = number.hasSuffix(".*")
        if isPrefix { number.removeLast(2) }
        let parts = number.split(separator: ".").map { Int($0) }
        guard !parts.isEmpty, !parts.contains(nil) else {
            throw IbidError.recipeFile(file, line, "'\(text)' is no condition on Python's version")
        }
        let wanted = parts.compactMap { $0 }
        let patch = DebianRelease.all.first { $0.pythonMinor == minor }?.pythonPatch ?? 99
        let have = [3, minor, patch]
        let order = compare(have, wanted + Array(repeating: 0, count: max(0, 3 - wanted.count)))
        let starts = have.starts(with: wanted)
        switch sign {
        case ">=": return order >= 0
        case ">": return order > 0
        case "<=": return order <= 0 || (starts && wanted.count < 3)
        case "<": return order < 0
        case "!=": return isPrefix ? !starts : order != 0
        case "==", "=", "": return isPrefix || wanted.count < 3 ? starts : order == 0
        case "~=", "~":
            return order >= 0 && have.starts(with: sign == "~" && wanted.count == 2 ? wanted : wanted.dropLast())
        case "^": return order >= 0 && have[0] == wanted[0]
        default: throw IbidError.recipeFile(file, line, "'\(text)' is no condition on Python's version")
        }
    }

    private static func compare(_ left: [Int], _ right: [Int]) -> Int {
        for (a, b) in zip(left, right) where a != b { return a < b ? -1 : 1 }
        return 0
    }
}
