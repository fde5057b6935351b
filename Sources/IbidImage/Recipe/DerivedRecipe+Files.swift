import IbidModel

extension DerivedRecipe {
    // MARK: requirements

    /// - Parameter document: the path of a file that the recipe writes itself, when the scan is of that.
    func fromRequirements(
        _ scan: RequirementsScan, document: String? = nil, constraints: [String] = [], _ plan: inout Plan
    ) throws {
        plan.hasSource = scan.needsSource
        plan.dependencies += scan.needsSource ? ["COPY . ."] : copies(scan.files + scan.paths)
        if let document { plan.dependencies.append(Self.document(scan.lines, at: document)) }
        let file = document ?? scan.files.first ?? "requirements.txt"
        let constraintsFile = "/opt/constraints.txt"
        if !constraints.isEmpty { plan.dependencies.append(Self.document(constraints, at: constraintsFile)) }
        let words =
            "pip install " + (scan.isHashed ? "--require-hashes " : "")
            + (constraints.isEmpty ? "" : "-c \(constraintsFile) ") + "-r \(Self.quoted(file))"
        plan.dependencies.append(scan.needsSource ? install(words) : "RUN " + words)
        plan.names = Set(scan.names.keys)
        for (name, place) in scan.names { plan.origins.add(project: name, at: place) }
    }

    // MARK: conda

    func fromConda(_ file: String, _ plan: inout Plan) throws {
        let environment = try CondaEnvironment(text: try read(file) ?? "", file: file)
        if let python = environment.python, !plan.python.isExplicit {
            plan.python = try PythonWish(python.text, from: file, line: python.line)
        }
        plan.notes += environment.notes
        let lock = try CondaLock.read(from: tree)
        if let lock {
            plan.notes.append("\(CondaLock.name): its versions are held to")
            if let python = lock.python, !plan.python.isExplicit {
                plan.python = try PythonWish(python.text, from: CondaLock.name, line: python.line)
            }
        }
        for (name, value) in environment.variables {
            let quoted = String(decoding: CanonicalJSON.bytes(.string(value)), as: UTF8.self)
            plan.dependencies.append("ENV \(name)=\(quoted.replacing("$", with: "\\$"))")
        }
        guard !environment.requirements.isEmpty else { return }
        let scan = try RequirementsScan(lines: environment.requirements, of: file, in: tree)
        try fromRequirements(scan, document: "./\(file).txt", constraints: lock?.constraints ?? [], &plan)
    }

    // MARK: the project itself

    func fromProject(_ project: ProjectFile, _ plan: inout Plan) throws {
        // By themselves, where the project says them plainly.
        if let dependencies = project.dependencies, !dependencies.isEmpty {
            let scan = try RequirementsScan(
                lines: dependencies.map { (text: $0.text, line: $0.line) }, of: ProjectFile.name, in: tree)
            try fromRequirements(scan, document: "/opt/requirements.txt", &plan)
        }
        if project.isInstalled {
            plan.project.append(install("pip install ."))
        } else if project.dependencies == nil, let poetry = project.poetry {
            plan.notes.append("pyproject.toml: there is no poetry.lock, so the newest that fits is taken")
            let lines = try PoetryRequirements(poetry).lines
            guard !lines.isEmpty else { return }
            let scan = try RequirementsScan(lines: lines, of: ProjectFile.name, in: tree)
            try fromRequirements(scan, document: "/opt/requirements.txt", &plan)
        } else if project.dependencies == nil {
            throw IbidError.recipeFile(
                ProjectFile.name, project.wanted.first?.line, "it says what is needed in no form that pip knows",
                hint: "lock it (poetry lock, uv lock), or list what the analysis needs in requirements.txt")
        }
    }
    // MARK: a script that says it itself

    func fromScript(_ script: ScriptMetadata, _ plan: inout Plan) throws {
        if let python = script.requiresPython, !plan.python.isExplicit {
            plan.python = try PythonWish(python.text, from: script.file, line: python.line)
        }
        guard !script.dependencies.isEmpty else { return }
        let lines = script.dependencies.map { (text: $0.text, line: $0.line) }
        try fromRequirements(
            try RequirementsScan(lines: lines, of: script.file, in: tree), document: "/opt/requirements.txt", &plan)
    }

    // MARK: installing the source itself

    /// A step that installs the source, whose version may have to be given.
    func install(_ words: String) -> String { "RUN " + versionVariables + words }

    /// Tools that ask git for the version find no history: an image is made of a tree, not of the commits before it.
    var versionVariables: String {
        let files = [ProjectFile.name, "setup.py", "setup.cfg"].compactMap { try? read($0) }
        func mention(_ words: [String]) -> Bool { files.contains { file in words.contains { file.contains($0) } } }
        let variables = [
            (
                "SETUPTOOLS_SCM_PRETEND_VERSION",
                ["setuptools-scm", "setuptools_scm", "hatch-vcs", "flit_scm", "use_scm_version"]
            ),
            ("PDM_BUILD_SCM_VERSION", ["source = \"scm\"", "source=\"scm\""]),
            ("POETRY_DYNAMIC_VERSIONING_BYPASS", ["poetry-dynamic-versioning"]),
            ("UV_DYNAMIC_VERSIONING_BYPASS", ["uv-dynamic-versioning"]),
            ("PBR_VERSION", ["pbr"]),
        ]
        return variables.filter { mention($0.1) }.map { "\($0.0)=0.0.0 " }.joined()
    }

    /// A path as one word of a shell.
    static func quoted(_ path: String) -> String {
        path.utf8.allSatisfy({ isPackageByte($0) }) ? path : "'" + path.replacing("'", with: "'\\''") + "'"
    }
}
