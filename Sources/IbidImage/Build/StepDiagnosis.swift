/// Why a build step failed, as far as its last words and what the gateway could not give tell.
struct StepDiagnosis: Hashable {
    /// One clause, for the sentence of the error.
    var cause: String
    /// What to do about it.
    var hint: String?

    /// - Parameters:
    ///   - output: the end of what the step wrote.
    ///   - problems: what the gateway could not give.
    ///   - origins: where the recipe's files name things.
    /// - Returns: nil when nothing tells.
    static func find(output: String, problems: [GatewayProblem], origins: RecipeOrigins) -> StepDiagnosis? {
        func first(_ kind: GatewayProblem.Kind) -> StepDiagnosis? {
            problems.first { $0.kind == kind }.map { StepDiagnosis(cause: $0.text, hint: $0.hint ?? reach) }
        }
        // What could not be had comes before what a program makes of that.
        if let found = first(.notInLock) ?? first(.failed) { return found }
        for known in [ofPython, ofDebian, ofSources, ofFiles] {
            if let found = known(output, origins) { return found }
        }
        return first(.refused)
    }

    private static let reach =
        "is the address right, and does this machine reach it? 'pip config list' shows the indexes that it uses"

    // MARK: pip and what it calls

    private static func ofPython(_ output: String, _ origins: RecipeOrigins) -> StepDiagnosis? {
        if let match = output.firstMatch(of: #/No matching distribution found for ([^\s(]+)/#) {
            let asked = String(match.1)
            let place = origins.place(ofProject: asked)
            return output.contains(#/\(from versions: none\)/#)
                ? StepDiagnosis(
                    cause: "\(place)the package index has no '\(asked)' for this Python and platform",
                    hint: "is the name right?")
                : StepDiagnosis(
                    cause: "\(place)the package index has no '\(asked)' for this Python",
                    hint: "take one of the versions that it has; they are listed above")
        }
        if let match = output.firstMatch(of: #/THESE PACKAGES DO NOT MATCH THE HASHES[\s\S]*?\n\s+(\S+) from /#) {
            let asked = String(match.1)
            return StepDiagnosis(
                cause: origins.place(ofProject: asked)
                    + "the index's file of '\(asked)' is not the one that the hash says",
                hint: "write the hash again if the version was changed (pip hash, pip-compile --generate-hashes); else "
                    + "ask who changed the file")
        }
        if let match = output.firstMatch(of: #/Hashes are required in --require-hashes mode[\s\S]*?\n\s+(\S+) /#) {
            return StepDiagnosis(
                cause: "some requirements have hashes, and '\(match.1)' has none",
                hint: "give all of them hashes (pip-compile --generate-hashes), or none")
        }
        if output.contains("Cannot find command 'git'") || output.contains("git: not found") {
            return StepDiagnosis(
                cause: "it wants a git repository, which no build step reaches",
                hint: "name an archive of the commit (NAME @ https://HOST/OWNER/NAME/archive/COMMIT.tar.gz), or begin "
                    + "with ADD https://HOST/OWNER/NAME.git#COMMIT /src/NAME and install that")
        }
        if let names = output.firstMatch(of: #/Cannot install ([\s\S]+?) because these package versions have/#)?.1 {
            return StepDiagnosis(
                cause: "no versions of \(names.split(whereSeparator: \.isNewline).joined(separator: " ")) go together",
                hint: "the reasons are listed above; leave versions out, or lock what works (uv lock, pip-compile)")
        }
        return nil
    }

    // MARK: apt

    private static func ofDebian(_ output: String, _ origins: RecipeOrigins) -> StepDiagnosis? {
        if let match = output.firstMatch(of: #/E: (?:Unable to locate package (\S+)|Package '(\S+)' has no inst)/#) {
            let name = String(match.1 ?? match.2 ?? "")
            let knowsLists = output.contains(#/(?m)^(Get|Hit):\d+ /#)
            return knowsLists
                ? StepDiagnosis(
                    cause: "\(origins.place(ofDebian: name))Debian has no package '\(name)'",
                    hint: "packages.debian.org knows the names")
                : StepDiagnosis(
                    cause: "apt has no list of packages and does not find '\(name)'",
                    hint: "fetch the lists in the same step: RUN apt-get update && apt-get install -y \(name)")
        }
        if let match = output.firstMatch(of: #/Version '([^']+)' for '([^']+)' was not found/#) {
            return StepDiagnosis(
                cause: origins.place(ofDebian: String(match.2))
                    + "Debian has another version of '\(match.2)' than \(match.1)",
                hint: "leave the version out")
        }
        return nil
    }

    // MARK: packages that come as sources

    private static let compilers = [
        "command 'gcc' failed: No such file", "unable to execute 'gcc'", "gcc-linux-gnu-gcc' failed: No such file",
        "linux-gnu-gcc' failed: No such file", "error: [Errno 2] No such file or directory: 'gcc'",
        "Unknown compiler(s)", "No CMAKE_C_COMPILER could be found", "No CMAKE_CXX_COMPILER could be found",
        "fatal error: Python.h: No such file", "gcc: not found", "g++: not found", "cc: not found",
        "cannot link a simple C program",
    ]

    private static func ofSources(_ output: String, _ origins: RecipeOrigins) -> StepDiagnosis? {
        if compilers.contains(where: output.contains) {
            return StepDiagnosis(
                cause: "a package has no wheel for this Python and has to be compiled",
                hint: "name gcc, g++ and python3-dev in apt.txt (in a Dockerfile: RUN apt-get install), take a version "
                    + "with a wheel, or begin with FROM ibid/datascience")
        }
        let history = [
            "setuptools-scm was unable to detect version", "SETUPTOOLS_SCM_PRETEND_VERSION",
            "unable to detect version for", "This does not appear to be a Git project", "PBR_VERSION",
        ]
        if history.contains(where: output.contains) {
            return StepDiagnosis(
                cause: "the project's version comes from git's history, and an image is made of a tree without one",
                hint: "say it before that step: ENV SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0 (also for hatch-vcs), "
                    + "PDM_BUILD_SCM_VERSION=0.0.0, POETRY_DYNAMIC_VERSIONING_BYPASS=0.0.0 or PBR_VERSION=0.0.0")
        }
        if let match = output.firstMatch(of: #/Failed building wheel for (\S+)|Failed to build (\S+)|╰─> (\S+)\s*$/#) {
            let name = String(match.1 ?? match.2 ?? match.3 ?? "")
            guard name != "See", !name.isEmpty else { return nil }
            return StepDiagnosis(
                cause: "'\(name)' has no wheel for this Python, and its sources could not be built",
                hint: "take a version with a wheel; the reason is listed above")
        }
        return nil
    }

    // MARK: files

    private static func ofFiles(_ output: String, _ origins: RecipeOrigins) -> StepDiagnosis? {
        // How shells, env and the kernel name a carriage return at the end of a line.
        let returns = [
            "\\r': command not found", "^M: bad interpreter", "\r: not found", "\\r’: No such file",
            "\\r': No such file", "set: Illegal option -\r", "$'\\r'", "invalid option name\r", "\r: bad interpreter",
        ]
        if output.hasReturns(returns) {
            return StepDiagnosis(
                cause: "a script's lines end as on Windows (CR LF)",
                hint: "write it with Unix line endings (dos2unix FILE) and keep it so: '*.sh text eol=lf' in "
                    + ".gitattributes")
        }
        return nil
    }
}

extension String {
    /// Swift takes CR LF for one character, so that text with it is looked for byte by byte.
    fileprivate func hasReturns(_ marks: [String]) -> Bool {
        let bytes = Array(utf8)
        return marks.contains { !bytes.ranges(of: Array($0.utf8)).isEmpty }
    }
}
