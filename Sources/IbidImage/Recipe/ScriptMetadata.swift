import IbidModel
import IbidTOML

/// What a script says it needs, in a comment of its own (inline script metadata, PEP 723).
struct ScriptMetadata {
    /// The script's path.
    let file: String
    /// Requirements, with their lines in the script.
    let dependencies: [ProjectFile.Item]
    /// The condition on Python's version.
    let requiresPython: ProjectFile.Item?

    /// The only one of these scripts that says so; nil when none does.
    ///
    /// - Throws: `recipe-file` when several do, or what one says is no TOML.
    static func find(in tree: SourceTree, scripts: [String]) throws -> ScriptMetadata? {
        let found = try scripts.compactMap { name in
            try tree.text(of: name).flatMap { try ScriptMetadata($0, of: name) }
        }
        guard found.count < 2 else {
            throw IbidError(
                "recipe-file", "several scripts say what they need: \(found.map(\.file).joined(separator: ", "))",
                hint: "list what all of them need in requirements.txt")
        }
        return found.first
    }

    private init?(_ text: String, of file: String) throws {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        guard let start = lines.firstIndex(of: "# /// script") else { return nil }
        let comment = lines[(start + 1)...].prefix { $0 == "#" || $0.hasPrefix("# ") }
        // The last line of the form ends the block.
        guard let end = comment.lastIndex(of: "# ///") else { return nil }
        // Empty lines before it, so that lines of a problem are those of the script.
        let document =
            String(repeating: "\n", count: start + 1)
            + lines[(start + 1)..<end].map { $0.dropFirst(2) }.joined(separator: "\n")
        do {
            let root = try TOMLNode.parse(document)
            dependencies = ProjectFile.items(root["dependencies"])
            let requires = root["requires-python"]
            requiresPython = requires.flatMap { node in
                node.string.map { ProjectFile.Item(text: $0, line: node.line) }
            }
        } catch let problem as TOMLProblem {
            throw IbidError.recipeFile(file, problem.line, problem.text)
        }
        self.file = file
    }
}
