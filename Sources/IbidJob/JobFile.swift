public import IbidModel
import IbidTOML

/// Reads `job.toml`.
///
/// Every key has a default, so an empty file is a job. Nothing is guessed: an unknown key, a wrong type or a value out
/// of range is refused with the file, the line and what was expected, because a slip that goes unnoticed would be
/// recorded as an experiment.
public enum JobFile {
    /// The largest job file that is read, in bytes.
    public static let sizeLimit = 1 << 20

    /// Reads the text of a job file; `file` is what errors call it.
    public static func parse(_ text: String, file: String) throws -> JobSpec {
        guard text.utf8.count <= sizeLimit else {
            throw IbidError.jobFile(file, line: 1, "the file is larger than 1 MiB")
        }
        let document: TOMLNode
        do {
            document = try TOMLNode.parse(text)
        } catch let problem as TOMLProblem {
            throw problem.isSyntax
                ? IbidError.jobFileSyntax(file, line: problem.line, problem.text)
                : IbidError.jobFile(file, line: problem.line, problem.text)
        }
        let root = JobTable(document: document, file: file)
        try root.allow(
            "name", "command", "outputs", "determinism", "params", "inputs", "env", "limits", "compare", "gpus")
        var job = JobSpec()
        job.name = try name(root)
        job.params = try params(root)
        job.command = try command(root, params: job.params)
        job.outputs = try outputs(root)
        job.inputs = try inputs(root)
        job.environment = try environment(root)
        job.limits = try limits(root)
        job.compare = try compare(root)
        (job.determinism, job.cpu) = try determinism(root)
        job.gpus = try gpus(root)
        return job
    }

    private static func name(_ root: JobTable) throws -> String? {
        guard let name = try root.string("name") else { return nil }
        guard !name.isEmpty, name.utf8.count <= 128, isPrintable(name), !name.contains("/") else {
            throw root.invalid(
                "name", "is '\(name)', expected 1 to 128 bytes without '/' and control characters")
        }
        return name
    }

    private static func params(_ root: JobTable) throws -> [String: String] {
        let table = try root.table("params", in: "params")
        var params: [String: String] = [:]
        for key in table.keys {
            guard Placeholders.isName(key) else {
                throw table.invalid(
                    key, "cannot be a parameter's name",
                    hint: "a name is a letter or '_', then letters, digits, '_', '-' and '.'")
            }
            params[key] = try table.text(key)
        }
        return params
    }

    private static func command(_ root: JobTable, params: [String: String]) throws -> [String]? {
        let expected = #"an array of strings, like ["python", "main.py"]"#
        guard let items = try root.strings("command", expected: expected) else { return nil }
        guard let first = items.first, !first.text.isEmpty else {
            throw root.invalid("command", "is empty, expected \(expected)", hint: "leave it out for the image's own")
        }
        for item in items {
            do {
                _ = try Placeholders.substitute(item.text, params: params)
            } catch let error as IbidError {
                throw IbidError.jobFile(root.file, line: item.line, error.message, hint: error.hint)
            }
        }
        return items.map(\.text)
    }

    private static func outputs(_ root: JobTable) throws -> [String] {
        let items = try root.strings("outputs", expected: #"an array of patterns, like ["results/**"]"#) ?? []
        for item in items { try check(pattern: item.text, line: item.line, file: root.file) }
        return items.map(\.text)
    }

    private static func environment(_ root: JobTable) throws -> [String: String] {
        let table = try root.table("env", in: "env")
        var environment: [String: String] = [:]
        for key in table.keys {
            guard !key.isEmpty, key.utf8.allSatisfy({ (33...126).contains($0) && $0 != UInt8(ascii: "=") }) else {
                throw table.invalid(
                    key, "cannot be a variable's name", hint: "expected printable ASCII without '=' and spaces")
            }
            environment[key] = try table.text(key)
        }
        return environment
    }

    private static func gpus(_ root: JobTable) throws -> String? {
        guard let node = root.members["gpus"] else { return nil }
        switch node.value {
        case .integer: return try root.count("gpus").map { String($0) }
        case .string(let text) where !text.isEmpty: return text
        default: throw root.mismatch("gpus", node, expected: #""all", a number, or names, like "0,1""#)
        }
    }

    // `determinism = "strict"`, or a table of it.
    private static func determinism(_ root: JobTable) throws -> (DeterminismProfile, CPUWish?) {
        guard case .table? = root.members["determinism"]?.value else {
            return (try profile("determinism", in: root), nil)
        }
        let table = try root.table("determinism", in: "determinism")
        try table.allow("profile", "cpu")
        let cpu = try table.string("cpu").map { text in
            guard let wish = CPUWish(text) else {
                throw table.invalid("cpu", "is '\(text)', expected \(CPUWish.known)")
            }
            return wish
        }
        let profile = try profile("profile", in: table)
        guard cpu == nil || profile != .none else { throw table.invalid("cpu", "needs a profile other than 'none'") }
        return (profile, cpu)
    }

    private static func profile(_ key: String, in table: JobTable) throws -> DeterminismProfile {
        guard let text = try table.string(key, expected: DeterminismProfile.known) else { return .default }
        guard let profile = DeterminismProfile(rawValue: text) else {
            throw table.invalid(key, "is '\(text)', expected \(DeterminismProfile.known)")
        }
        return profile
    }

    /// Refuses a pattern that could never match.
    static func check(pattern: String, line: Int, file: String) throws {
        do {
            _ = try Glob(pattern)
        } catch {
            throw IbidError.jobFile(file, line: line, "the pattern '\(pattern)' \(error.reason)")
        }
    }

    /// Whether text has no control characters.
    static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 32 && !(127..<160).contains($0.value) }
    }
}
