import IbidModel
import IbidTOML

/// What `pyproject.toml` says about installing and starting the project.
struct ProjectFile {
    static let name = "pyproject.toml"

    /// A word of the file and its line.
    struct Item {
        var text: String
        var line: Int
    }

    /// `[project]`'s dependencies, when they stand there plainly; nil when a build backend has to be asked.
    let dependencies: [Item]?
    /// All that it says it needs to run, Poetry's way included: what a lock must have.
    let wanted: [Item]
    /// The names of `[project.scripts]`, sorted.
    let scripts: [String]
    /// Whether it is more than settings of tools.
    let isProject: Bool
    /// Whether the project itself is a package to install.
    let isInstalled: Bool
    /// The same as uv decides it.
    let isInstalledByUV: Bool
    /// `requires-python`, or Poetry's word for it.
    let requiresPython: (text: String, line: Int)?

    /// The file in the root of the source; nil when there is none.
    static func read(from tree: SourceTree) throws -> ProjectFile? {
        guard case .file? = tree.node(Array(name.utf8))?.kind else { return nil }
        return ProjectFile(
            try TOMLFile.read(name, from: tree), hasSetup: tree.node(Array("setup.py".utf8)) != nil)
    }

    private init(_ file: TOMLNode, hasSetup: Bool) {
        let project = file["project"]
        let poetry = file["tool"]?["poetry"]
        let hasBackend = file["build-system"] != nil
        let dynamic = project?["dynamic"]?.array?.compactMap(\.string) ?? []
        if let project, !dynamic.contains("dependencies") {
            let listed = Self.items(project["dependencies"])
            // A Poetry project of the older kind says them in its own way.
            dependencies = listed.isEmpty && poetry?["dependencies"] != nil ? nil : listed
        } else {
            dependencies = nil
        }
        let named = (poetry?["dependencies"]?.table ?? [:]).filter { name, value in
            name != "python" && value["optional"]?.boolean != true
        }
        wanted =
            Self.items(project?["dependencies"])
            + named.map { Item(text: $0.key, line: $0.value.line) }.sorted { $0.line < $1.line }
        scripts = [project?["scripts"], poetry?["scripts"]].flatMap { $0?.table.map { Array($0.keys) } ?? [] }.sorted()
        isProject = project != nil || poetry != nil || hasBackend
        let isOff = poetry?["package-mode"]?.boolean == false || file["tool"]?["uv"]?["package"]?.boolean == false
        isInstalled = !isOff && (hasBackend || hasSetup || !scripts.isEmpty)
        isInstalledByUV = file["tool"]?["uv"]?["package"]?.boolean ?? hasBackend
        let requires = project?["requires-python"] ?? poetry?["dependencies"]?["python"]
        requiresPython = requires.flatMap { node in node.string.map { ($0, node.line) } }
    }

    static func items(_ list: TOMLNode?) -> [Item] {
        (list?.array ?? []).compactMap { node in node.string.map { Item(text: $0, line: node.line) } }
    }
}

/// TOML files of a source.
enum TOMLFile {
    /// - Throws: `recipe-file` with the line.
    static func read(_ name: String, from tree: SourceTree) throws -> TOMLNode {
        let text = try tree.text(of: name) ?? ""
        do {
            return try TOMLNode.parse(text)
        } catch let problem as TOMLProblem {
            throw IbidError.recipeFile(name, problem.line, problem.text)
        }
    }
}
