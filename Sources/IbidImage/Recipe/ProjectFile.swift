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
    /// `[tool.poetry]`, when it says what is needed.
    let poetry: TOMLNode?

    /// The file in the root of the source; nil when there is none.
    static func read(from tree: SourceTree) throws -> ProjectFile? {
        guard case .file? = tree.node(Array(name.utf8))?.kind else { return nil }
        return ProjectFile(try TOMLFile.read(name, from: tree), tree)
    }

    private init(_ file: TOMLNode, _ tree: SourceTree) {
        let project = file["project"]
        let poetry = file["tool"]?["poetry"]
        self.poetry = poetry?["dependencies"] == nil ? nil : poetry
        let hasSetup = tree.node(Array("setup.py".utf8)) != nil
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
        // 'poetry init' writes of a package, whether there is one or not; Poetry's users then say --no-root.
        let isMissing = poetry != nil && !Self.hasPoetryPackage(file, tree)
        isInstalled = !isOff && !isMissing && (hasBackend || hasSetup || !scripts.isEmpty)
        isInstalledByUV = file["tool"]?["uv"]?["package"]?.boolean ?? hasBackend
        let requires = project?["requires-python"] ?? poetry?["dependencies"]?["python"]
        requiresPython = requires.flatMap { node in node.string.map { ($0, node.line) } }
    }

    /// Whether Poetry's backend would find what to install, where it looks.
    private static func hasPoetryPackage(_ file: TOMLNode, _ tree: SourceTree) -> Bool {
        let poetry = file["tool"]?["poetry"]
        guard file["build-system"]?["build-backend"]?.string?.contains("poetry") ?? true, poetry?["packages"] == nil,
            let name = (file["project"]?["name"] ?? poetry?["name"])?.string
        else { return true }
        let module = name.lowercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
        let places = [module, module + ".py", "src/" + module, "src/" + module + ".py"]
        return places.contains { tree.node(Array($0.utf8)) != nil }
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
