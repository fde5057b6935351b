import IbidModel

/// The Dockerfile that a Python project without one amounts to.
///
/// What is installed comes before the source, so that a change of the code installs nothing again. Of several files
/// that say what is needed, the most exact counts: a lock, then requirements, then a conda environment, then the
/// project itself.
struct DerivedRecipe {
    /// Raised when the same files amount to something else than before.
    static let version: Int64 = 2

    /// The uv that installs from locks; it leaves no trace in the image.
    static let uvVersion = "0.13.9"

    let tree: SourceTree

    /// The parts of the Dockerfile, in its order.
    struct Plan {
        /// What the user should know, as comments.
        var notes: [String] = []
        /// Stages before the image's own.
        var stages: [String] = []
        /// Instructions before the source is there.
        var dependencies: [String] = []
        /// Whether `dependencies` had to copy the whole source.
        var hasSource = false
        /// Instructions that need the source.
        var project: [String] = []
        /// What is installed, as far as that is known; nil when a lock says it.
        var names: Set<String>? = []
        /// The Python that is asked for.
        var python = PythonWish()
        /// Where projects and Debian packages are named (`requirements.txt:3`), for messages.
        var origins = RecipeOrigins()
    }

    /// - Throws: `recipe-not-found` when the files say too little; what is wrong in them with file and line.
    func make() throws -> (text: String, origins: RecipeOrigins) {
        var plan = try plan()
        let packages = try systemPackages(&plan)
        let command = try command(&plan)
        if let origin = plan.python.origin, !plan.python.isPreferred {
            plan.origins.python = origin
            plan.notes.append("Python \(plan.python.version) is what \(origin) asks for")
        }
        var lines = plan.notes.map { "# " + $0 }
        lines += plan.stages + ["FROM python:\(plan.python.version)", "WORKDIR /work"]
        if !packages.isEmpty {
            lines.append(
                "RUN apt-get update && apt-get install -y --no-install-recommends \(packages.joined(separator: " ")) "
                    + "&& rm -rf /var/lib/apt/lists/*")
        }
        lines += plan.dependencies
        if !plan.hasSource { lines.append("COPY . .") }
        lines += plan.project
        // Without words the base's own command, a Python that reads nothing, would pass for the analysis.
        let words = (command ?? []).map { String(decoding: CanonicalJSON.bytes(.string($0)), as: UTF8.self) }
        lines.append("CMD [\(words.joined(separator: ", "))]")
        return (lines.joined(separator: "\n") + "\n", plan.origins)
    }

    private func plan() throws -> Plan {
        var plan = Plan()
        let project = try ProjectFile.read(from: tree)
        plan.python = try PythonWish.find(in: tree, project: project)
        if has("postBuild") { plan.notes.append("postBuild is not run: write a Dockerfile for what it does") }
        if let lock = pylock {
            try fromPylock(lock, &plan)
        } else if has("uv.lock") {
            guard let project else {
                throw IbidError.recipeFile(
                    "uv.lock", nil, "there is no pyproject.toml beside it", hint: "commit the pyproject.toml too")
            }
            try fromUVLock(project, &plan)
        } else if has("poetry.lock") {
            try fromPoetryLock(project, &plan)
        } else if has("pdm.lock") {
            try fromPDMLock(project, &plan)
        } else if has("Pipfile.lock") {
            try fromPipfileLock(&plan)
        } else if let file = try requirementsFile() {
            try fromRequirements(RequirementsScan(file: file, in: tree), &plan)
        } else if let name = Self.places(["environment.yml", "environment.yaml"]).first(where: has) {
            try fromConda(name, &plan)
        } else if has(CondaLock.name) {
            throw IbidError.recipeFile(
                CondaLock.name, nil, "the environment.yml that it locks is not beside it",
                hint: "commit the environment.yml too")
        } else if let file = try PipfileText.read(from: tree) {
            try fromPipfile(file, &plan)
        } else if let project, project.isProject {
            try fromProject(project, &plan)
        } else if has("setup.py") {
            plan.project.append(install("pip install ."))
        } else if let script = try ScriptMetadata.find(in: tree, scripts: scripts) {
            try fromScript(script, &plan)
        } else if names(".py").isEmpty, names(".ipynb").isEmpty {
            throw IbidError(
                "recipe-not-found",
                "cannot tell how to build this directory: there is no Dockerfile, no pylock.toml, uv.lock, poetry.lock, "
                    + "pdm.lock, Pipfile.lock, requirements.txt, environment.yml, Pipfile, pyproject.toml or setup.py, "
                    + "no Python file and no notebook in it",
                hint: "add a Dockerfile, or list what the analysis needs in requirements.txt", exit: .notFound)
        } else if let line = try read("setup.cfg")?.split(separator: "\n", omittingEmptySubsequences: false)
            .firstIndex(where: { $0.hasPrefix("install_requires") })
        {
            throw IbidError.recipeFile(
                "setup.cfg", line + 1, "pip reads it only beside a setup.py or a pyproject.toml",
                hint: "add a setup.py with 'from setuptools import setup; setup()'")
        }
        return plan
    }

    /// Where files of a recipe may be: the root, or where Binder looks for them.
    private static func places(_ names: [String]) -> [String] {
        ["", "binder/", ".binder/"].flatMap { place in names.map { place + $0 } }
    }

    /// `requirements.txt`, or what stands for it when there is no other file that says what is needed.
    private func requirementsFile() throws -> String? {
        let usual = Self.places(["requirements.txt"])
        if let file = usual.first(where: has) { return file }
        let others = Self.places(["environment.yml", "environment.yaml"]) + ["Pipfile", ProjectFile.name, "setup.py"]
        guard !others.contains(where: has) else { return nil }
        let inDirectory = names(".txt", in: "requirements").map { "requirements/" + $0 }
        let named = names(".txt").filter { $0.contains("requirements") } + inDirectory
        guard named.count > 1 else { return named.first }
        throw IbidError(
            "recipe-file",
            "several files say what is needed, and none is requirements.txt: \(named.joined(separator: ", "))",
            hint: "add a requirements.txt that takes in the right one: -r \(named[0])")
    }

    // MARK: apt.txt

    /// The Debian packages of `apt.txt`.
    private func systemPackages(_ plan: inout Plan) throws -> [String] {
        guard let file = Self.places(["apt.txt"]).first(where: has), let text = try read(file) else { return [] }
        var packages: [String] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for word in line.prefix(while: { $0 != "#" }).split(whereSeparator: \.isWhitespace) {
                guard let first = word.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "."),
                    word.utf8.allSatisfy(Self.isPackageByte)
                else {
                    throw IbidError.recipeFile(file, number + 1, "'\(word)' is no package's name")
                }
                packages.append(String(word))
                plan.origins.add(debian: String(word.prefix { !"=/:".contains($0) }), at: "\(file):\(number + 1)")
            }
        }
        return packages
    }

    // Names, and =VERSION, /RELEASE and :ARCHITECTURE behind them.
    static func isPackageByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "+-.=/:~_".utf8.contains(byte)
        }
    }

    // MARK: files

    func has(_ name: String) -> Bool {
        if case .file? = tree.node(Array(name.utf8))?.kind { true } else { false }
    }

    func read(_ name: String) throws -> String? { try tree.text(of: name) }

    /// The files of a directory whose names end so.
    func names(_ suffix: String, in directory: String = "") -> [String] {
        tree.names(in: Array(directory.utf8)).map { String(decoding: $0, as: UTF8.self) }.filter {
            $0.hasSuffix(suffix) && has(directory.isEmpty ? $0 : directory + "/" + $0)
        }
    }

    /// The files of the whole source whose names end so, but for those that are hidden.
    func allNames(_ suffix: String) -> [String] {
        var found: [String] = []
        var directories = [""]
        while let directory = directories.popLast() {
            for name in tree.names(in: Array(directory.utf8)).map({ String(decoding: $0, as: UTF8.self) }) {
                let path = directory.isEmpty ? name : directory + "/" + name
                if name.hasPrefix(".") { continue }
                if has(path) {
                    if name.hasSuffix(suffix) { found.append(path) }
                } else if tree.node(Array(path.utf8))?.isDirectory ?? false {
                    directories.append(path)
                }
            }
        }
        return found.sorted()
    }

    /// `COPY` of files and directories to where they are in the source.
    func copies(_ paths: [String]) -> [String] {
        var groups: [(directory: String, files: [String])] = []
        var lines: [String] = []
        for path in paths {
            if tree.node(Array(path.utf8))?.isDirectory ?? false {
                lines.append(Self.copy([path], to: path + "/"))
                continue
            }
            let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./"
            if let index = groups.firstIndex(where: { $0.directory == directory }) {
                groups[index].files.append(path)
            } else {
                groups.append((directory, [path]))
            }
        }
        return groups.map { Self.copy($0.files, to: $0.directory) } + lines
    }

    private static func copy(_ sources: [String], to destination: String) -> String {
        let words = sources + [destination]
        let isPlain = words.allSatisfy { word in
            word.utf8.allSatisfy { isPackageByte($0) || $0 == UInt8(ascii: "@") || $0 == UInt8(ascii: ",") }
        }
        if isPlain { return "COPY " + words.joined(separator: " ") }
        // The other form keeps spaces; what stands for other names is escaped.
        let quoted = words.map { word in
            let escaped = word.map { "*?[]\\$".contains($0) ? "\\\($0)" : String($0) }.joined()
            return String(decoding: CanonicalJSON.bytes(.string(escaped)), as: UTF8.self)
        }
        return "COPY [\(quoted.joined(separator: ", "))]"
    }

    /// A file of the recipe's own.
    static func document(_ lines: [String], at path: String) -> String {
        // A line that ends the document early would become an instruction.
        var word = "EOF"
        while lines.contains(word) { word += "_" }
        return "COPY <<\"\(word)\" \(path)\n" + lines.map { $0 + "\n" }.joined() + word
    }
}

extension IbidError {
    /// A file that a recipe would be derived from says something that cannot be understood or done.
    static func recipeFile(_ file: String, _ line: Int?, _ problem: String, hint: String? = nil) -> IbidError {
        IbidError(
            "recipe-file", (line.map { "\(file):\($0): " } ?? "\(file): ") + problem,
            hint: hint ?? "correct it, or write a Dockerfile")
    }
}
