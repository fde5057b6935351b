import IbidModel

extension DerivedRecipe {
    // MARK: requirements

    /// - Parameter document: the path of a file that the recipe writes itself, when the scan is of that.
    func fromRequirements(_ scan: RequirementsScan, document: String? = nil, _ plan: inout Plan) throws {
        plan.hasSource = scan.needsSource
        plan.dependencies += scan.needsSource ? ["COPY . ."] : copies(scan.files + scan.paths)
        if let document { plan.dependencies.append(Self.document(scan.lines, at: document)) }
        plan.dependencies.append(
            "RUN pip install " + (scan.isHashed ? "--require-hashes " : "") + "-r \(document ?? "requirements.txt")")
        plan.names = scan.names
    }

    // MARK: conda

    func fromConda(_ file: String, _ plan: inout Plan) throws {
        let environment = try CondaEnvironment(text: try read(file) ?? "", file: file)
        if let python = environment.python, !plan.python.isExplicit {
            plan.python = try PythonWish(python.text, from: file, line: python.line)
        }
        plan.notes += environment.notes
        for (name, value) in environment.variables {
            let quoted = String(decoding: CanonicalJSON.bytes(.string(value)), as: UTF8.self)
            plan.dependencies.append("ENV \(name)=\(quoted.replacing("$", with: "\\$"))")
        }
        guard !environment.requirements.isEmpty else { return }
        let scan = try RequirementsScan(lines: environment.requirements, of: file, in: tree)
        try fromRequirements(scan, document: "./\(file).txt", &plan)
    }

    // MARK: the project itself

    func fromProject(_ project: ProjectFile, _ plan: inout Plan) throws {
        // By themselves, where the project says them plainly.
        if let dependencies = project.dependencies, !dependencies.isEmpty {
            let scan = try RequirementsScan(
                lines: dependencies.map { (text: $0, line: project.line) }, of: ProjectFile.name, in: tree)
            try fromRequirements(scan, document: "/opt/requirements.txt", &plan)
        }
        if project.isInstalled {
            plan.project.append("RUN pip install .")
        } else if project.dependencies == nil {
            throw IbidError.recipeFile(
                ProjectFile.name, nil, "it says what is needed in no form that pip knows",
                hint: "lock it (poetry lock, uv lock), or list what the analysis needs in requirements.txt")
        }
    }
}
