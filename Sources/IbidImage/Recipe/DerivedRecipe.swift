import IbidModel

/// The Dockerfile that a Python project without one amounts to.
///
/// What is installed comes before the source, so that a change of the code installs nothing again. Of several files
/// that say what is needed, the most exact counts: a lock, then requirements, then a conda environment, then the
/// project itself.
struct DerivedRecipe {
    /// The uv that installs from locks; it leaves no trace in the image.
    static let uvVersion = "0.13.9"

    let tree: SourceTree

    /// The parts of the Dockerfile, in its order.
    struct Plan {
        /// What the user should know, as comments.
        var notes: [String] = []
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
    }

    /// - Throws: `recipe-not-found` when the files say too little; what is wrong in them with file and line.
    func text() throws -> String {
        var plan = try plan()
        let packages = try systemPackages()
        let command = try command(&plan)
        if let origin = plan.python.origin, !plan.python.isBuiltIn {
            plan.notes.append("Python \(plan.python.version) is what \(origin) asks for")
        }
        var lines = plan.notes.map { "# " + $0 }
        lines += ["FROM python:\(plan.python.version)", "WORKDIR /work"]
        if !packages.isEmpty {
            lines.append(
                "RUN apt-get update && apt-get install -y --no-install-recommends \(packages.joined(separator: " ")) "
                    + "&& rm -rf /var/lib/apt/lists/*")
        }
        lines += plan.dependencies
        if !plan.hasSource { lines.append("COPY . .") }
        lines += plan.project
        if let command {
            let words = command.map { JSONValue.string($0) }
            let text = words.map { String(decoding: CanonicalJSON.bytes($0), as: UTF8.self) }
            lines.append("CMD [\(text.joined(separator: ", "))]")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func plan() throws -> Plan {
        var plan = Plan()
        let project = try ProjectFile.read(from: tree)
        plan.python = try PythonWish.find(in: tree, project: project)
        if has("postBuild") { plan.notes.append("postBuild is not run: write a Dockerfile for what it does") }
        if let lock = pylock {
            try fromPylock(lock, &plan)
        } else if has("uv.lock"), let project {
            try fromUVLock(project, &plan)
        } else if has("poetry.lock") {
            try fromPoetryLock(project, &plan)
        } else if has("Pipfile.lock") {
            try fromPipfileLock(&plan)
        } else if has("requirements.txt") {
            try fromRequirements(RequirementsScan(file: "requirements.txt", in: tree), &plan)
        } else if let name = ["environment.yml", "environment.yaml"].first(where: has) {
            try fromConda(name, &plan)
        } else if let project, project.isProject {
            try fromProject(project, &plan)
        } else if has("setup.py") {
            plan.project.append("RUN pip install .")
        } else if names(".py").isEmpty, names(".ipynb").isEmpty {
            throw IbidError(
                "recipe-not-found",
                "cannot tell how to build this directory: there is no Dockerfile, no pylock.toml, uv.lock, poetry.lock, "
                    + "Pipfile.lock, requirements.txt, environment.yml, pyproject.toml or setup.py, no Python file and "
                    + "no notebook in it",
                hint: "add a Dockerfile, or list what the analysis needs in requirements.txt", exit: .notFound)
        }
        return plan
    }

    // MARK: apt.txt

    /// The Debian packages of `apt.txt`.
    private func systemPackages() throws -> [String] {
        guard let text = try read("apt.txt") else { return [] }
        var packages: [String] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            for word in line.prefix(while: { $0 != "#" }).split(whereSeparator: \.isWhitespace) {
                guard let first = word.utf8.first, first != UInt8(ascii: "-"), first != UInt8(ascii: "."),
                    word.utf8.allSatisfy(Self.isPackageByte)
                else {
                    throw IbidError.recipeFile("apt.txt", number + 1, "'\(word)' is no package's name")
                }
                packages.append(String(word))
            }
        }
        return packages
    }

    // Names, and =VERSION, /RELEASE and :ARCHITECTURE behind them.
    private static func isPackageByte(_ byte: UInt8) -> Bool {
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

    func read(_ name: String) throws -> String? {
        try tree.readFile(Array(name.utf8), limit: 64 << 20).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The files of the root whose names end so.
    func names(_ suffix: String) -> [String] {
        tree.names(in: []).map { String(decoding: $0, as: UTF8.self) }.filter { $0.hasSuffix(suffix) && has($0) }
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
