/// Where the files that a recipe is derived from name things, so that a step that fails can be traced to a line.
struct RecipeOrigins: Sendable {
    private var projects: [String: String] = [:]
    private var packages: [String: String] = [:]
    /// Where the Python is asked for.
    var python: String?

    mutating func add(project name: String, at place: String) { projects[name] = place }

    mutating func add(debian name: String, at place: String) { packages[name] = place }

    /// Where a requirement is, as the beginning of a message; empty when it is not known.
    func place(ofProject requirement: String) -> String {
        projects[RequirementsScan.name(of: requirement)].map { "\($0): " } ?? ""
    }

    /// Where a Debian package is named, in the same way.
    func place(ofDebian name: String) -> String { packages[name].map { "\($0): " } ?? "" }
}
