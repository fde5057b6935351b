extension DerivedRecipe {
    /// What a container of the image runs, where the files leave no doubt.
    func command(_ plan: inout Plan) throws -> [String]? {
        if let name = ["main.py", "app.py", "run.py", "__main__.py"].first(where: { scripts.contains($0) }) {
            return ["python", name]
        }
        if scripts.count == 1 { return ["python", scripts[0]] }
        if let project = try ProjectFile.read(from: tree), project.isInstalled, project.scripts.count == 1 {
            return project.scripts
        }
        if let module = module { return ["python", "-m", module] }
        guard scripts.isEmpty else { return nil }
        let notebooks = names(".ipynb")
        if notebooks.count == 1 { return notebook(notebooks[0], &plan) }
        guard notebooks.isEmpty else { return nil }
        // Nothing in the root: the only script, or else the only notebook, that there is anywhere.
        let deep = allNames(".py").filter(Self.isScript)
        if deep.count == 1 { return ["python", deep[0]] }
        let deepNotebooks = allNames(".ipynb")
        return deep.isEmpty && deepNotebooks.count == 1 ? notebook(deepNotebooks[0], &plan) : nil
    }

    /// What can be run in the root.
    var scripts: [String] { names(".py").filter(Self.isScript) }

    private static func isScript(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let isTest = name.hasPrefix("test_") || name.hasSuffix("_test.py") || path.hasPrefix("tests/")
        return !isTest && !["setup.py", "conftest.py", "noxfile.py", "__init__.py"].contains(name)
    }

    /// The only package in the root that can be run.
    private var module: String? {
        let packages = tree.names(in: []).map { String(decoding: $0, as: UTF8.self) }
            .filter { has($0 + "/__main__.py") }
        return packages.count == 1 ? packages[0] : nil
    }

    /// Runs a notebook from top to bottom; the executed copy is an output. It carries no times, so that a replay can
    /// be the same.
    private func notebook(_ name: String, _ plan: inout Plan) -> [String]? {
        if let names = plan.names {
            let missing = ["nbconvert", "ipykernel"].filter { !names.contains($0) }
            if !missing.isEmpty, names.isDisjoint(with: ["jupyter", "jupyterlab", "notebook"]) {
                plan.dependencies.append("RUN pip install \(missing.joined(separator: " "))")
            }
        }
        return [
            "jupyter", "nbconvert", "--to", "notebook", "--execute", "--ExecutePreprocessor.record_timing=False",
            "--output-dir=executed", name,
        ]
    }
}
