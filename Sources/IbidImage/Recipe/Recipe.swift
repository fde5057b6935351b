import IbidModel

/// What an image is built from: a Dockerfile's text, the repository's own or derived.
public struct Recipe: Sendable {
    /// The file's name, for messages.
    public let name: String
    /// The text.
    public let text: String
    /// Whether the repository has no Dockerfile and this was derived from its files.
    public let isDerived: Bool
    /// What `.dockerignore` leaves out of the source tree.
    let ignored: IgnoreRules
    /// Where the files of a derived recipe name things.
    var origins = RecipeOrigins()

    /// What a Dockerfile is called, the usual first: docker also reads a lower-case name, podman a neutral one.
    private static let names = ["Dockerfile", "dockerfile", "Containerfile"]

    /// - Parameter derived: the text to take when the source has no recipe file; nil to derive it.
    static func find(in tree: SourceTree, named: String?, derived text: [UInt8]? = nil) throws -> Recipe {
        let name = named ?? names.first { tree.node(Array($0.utf8)) != nil } ?? names[0]
        if let bytes = try tree.readFile(Array(name.utf8)) {
            return Recipe(
                // Bytes that are not UTF-8 are reported with their line by the reader of the Dockerfile.
                name: name, text: try Self.text(bytes, name), isDerived: false, ignored: try ignored(tree, name))
        }
        if case .file? = try tree.resolve(Array(name.utf8)).node?.kind {
            throw IbidError.dockerfile(
                SourcePlace(file: name, line: 1), "the file is larger than 4 MiB", text: "",
                hint: "is this the right file?")
        }
        if named != nil {
            throw IbidError(
                "recipe-not-found", "the source tree has no file '\(name)'",
                hint: "only committed files of the job's directory count", exit: .notFound)
        }
        if case .symlink? = tree.node(Array(name.utf8))?.kind {
            throw IbidError(
                "recipe-not-found", "'\(name)' is a link that leads to no file of the source tree",
                hint: "commit the file in its place", exit: .notFound)
        }
        let derived =
            try text.map { (text: String(decoding: $0, as: UTF8.self), origins: RecipeOrigins()) }
            ?? DerivedRecipe(tree: tree).make()
        return Recipe(
            name: "(derived Dockerfile)", text: derived.text, isDerived: true, ignored: try ignored(tree, name),
            origins: derived.origins)
    }

    private static func text(_ bytes: [UInt8], _ name: String) throws -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        _ = try DockerfileReader(bytes, file: name)
        throw IbidError.dockerfile(SourcePlace(file: name, line: 1), "bytes that are not UTF-8", text: "")
    }

    private static func ignored(_ tree: SourceTree, _ dockerfile: String) throws -> IgnoreRules {
        for name in [dockerfile + ".dockerignore", ".dockerignore", ".containerignore"] {
            guard let bytes = try tree.readFile(Array(name.utf8)) else {
                guard case .file? = try tree.resolve(Array(name.utf8)).node?.kind else { continue }
                throw IbidError.dockerfile(SourcePlace(file: name, line: 1), "the file is larger than 4 MiB", text: "")
            }
            do {
                return try IgnoreRules(text: String(decoding: bytes, as: UTF8.self))
            } catch let error {
                throw IbidError.dockerfile(
                    SourcePlace(file: name, line: error.line), "this is no pattern", text: error.text,
                    hint: "brackets have to be closed, and a backslash escapes what follows it")
            }
        }
        return try IgnoreRules(patterns: [])
    }
}
