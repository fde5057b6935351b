import IbidModel
import IbidTOML

/// A `Pipfile`, for a project of Pipenv's that has no lock.
struct PipfileText {
    /// What its packages amount to in requirements.txt, with the lines of the Pipfile.
    private(set) var requirements: [(text: String, line: Int)] = []
    /// The names of its packages.
    private(set) var names: [ProjectFile.Item] = []
    /// The Python that it asks for.
    let python: ProjectFile.Item?

    /// The file in the root of the source; nil when there is none.
    ///
    /// - Throws: `recipe-file` with the line.
    static func read(from tree: SourceTree) throws -> PipfileText? {
        guard case .file? = tree.node(Array("Pipfile".utf8))?.kind else { return nil }
        return try PipfileText(try TOMLFile.read("Pipfile", from: tree))
    }

    private init(_ file: TOMLNode) throws {
        let wish = file["requires"]?["python_version"] ?? file["requires"]?["python_full_version"]
        python = wish.flatMap { node in node.string.map { ProjectFile.Item(text: $0, line: node.line) } }
        for source in file["source"]?.array ?? [] {
            guard let url = source["url"]?.string, Address.host(of: url) != "pypi.org" else { continue }
            requirements.append(("--extra-index-url \(url)", source.line))
        }
        let packages = (file["packages"]?.table ?? [:]).sorted { $0.value.line < $1.value.line }
        for (name, package) in packages {
            names.append(ProjectFile.Item(text: name, line: package.line))
            requirements.append((try Self.requirement(name, package), package.line))
        }
    }

    private static func requirement(_ name: String, _ package: TOMLNode) throws -> String {
        guard let version = package.string ?? (package.table == nil ? nil : package["version"]?.string ?? "*"),
            !["git", "path", "file", "hg", "svn"].contains(where: { package[$0] != nil })
        else {
            throw IbidError.recipeFile(
                "Pipfile", package.line, "'\(name)' comes from no index",
                hint: "name an archive of it by its address in requirements.txt, or write a Dockerfile")
        }
        let extras = package["extras"]?.array?.compactMap(\.string) ?? []
        let markers = [
            package["markers"]?.string, package["sys_platform"]?.string.map { "sys_platform \($0)" },
            package["platform_system"]?.string.map { "platform_system \($0)" },
        ].compactMap { $0.map { "(\($0))" } }
        return name + (extras.isEmpty ? "" : "[\(extras.joined(separator: ","))]")
            + (version == "*" ? "" : version.first?.isNumber ?? false ? "==\(version)" : version)
            + (markers.isEmpty ? "" : " ; \(markers.joined(separator: " and "))")
    }
}
