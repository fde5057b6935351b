/// Where the files that a recipe is derived from name things, so that a step that fails can be traced to a line.
struct RecipeOrigins: Sendable {
    private var projects: [String: String] = [:]
    private var packages: [String: String] = [:]
    /// Where the Python is asked for.
    var python: String?

    mutating func add(project name: String, at place: String) { projects[name] = place }

    mutating func add(debian name: String, at place: String) { packages[name] = place }

    /// What to do about a step that failed, as far as its last words tell; nil when they tell nothing.
    func advice(on output: String) -> String? {
        if let match = output.firstMatch(of: /No matching distribution found for ([^\s(]+)/) {
            let asked = String(match.1)
            let place = projects[RequirementsScan.name(of: asked)].map { "\($0): " } ?? ""
            let isUnknown = output.contains(/\(from versions: none\)/)
            return place
                + (isUnknown
                    ? "the package index has no '\(asked)' for this Python and platform: is the name right?"
                    : "the package index has no '\(asked)' for this Python; the versions it has are listed above")
        }
        if let match = output.firstMatch(of: /Unable to locate package (\S+)/) {
            let place = packages[String(match.1)].map { "\($0): " } ?? ""
            return place + "Debian has no package '\(match.1)': packages.debian.org knows the names"
        }
        if let match = output.firstMatch(of: /Version '([^']+)' for '([^']+)' was not found/) {
            let place = packages[String(match.2)].map { "\($0): " } ?? ""
            return place + "Debian has another version of '\(match.2)' than \(match.1): leave the version out"
        }
        let compilers = [
            "command 'gcc' failed: No such file", "unable to execute 'gcc'", "gcc-linux-gnu-gcc' failed: No such file",
            "linux-gnu-gcc' failed: No such file", "error: [Errno 2] No such file or directory: 'gcc'",
            "Unknown compiler(s)", "No CMAKE_C_COMPILER could be found", "No CMAKE_CXX_COMPILER could be found",
            "fatal error: Python.h: No such file", "gcc: not found", "g++: not found", "cc: not found",
        ]
        if compilers.contains(where: output.contains) {
            return "it has no wheel for this Python and has to be compiled: name gcc, g++ and python3-dev in apt.txt "
                + "(in a Dockerfile: RUN apt-get install), take a version with a wheel, or begin with "
                + "FROM ibid/datascience"
        }
        return nil
    }
}
