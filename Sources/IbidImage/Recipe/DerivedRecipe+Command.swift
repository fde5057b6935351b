extension DerivedRecipe {
    /// What a container of the image runs, where the files leave no doubt.
    func command(_ plan: inout Plan) throws -> [String]? {
        let scripts = names(".py").filter { $0 != "setup.py" && $0 != "conftest.py" && !$0.hasPrefix("test_") }
        if let name = ["main.py", "app.py", "run.py", "__main__.py"].first(where: { scripts.contains($0) }) {
            return ["python", name]
        }
        if scripts.count == 1 { return ["python", scripts[0]] }
        if let project = try ProjectFile.read(from: tree), project.isInstalled, project.scripts.count == 1 {
            return project.scripts
        }
        if let module = module { return ["python", "-m", module] }
        let notebooks = names(".ipynb")
        if scripts.isEmpty, notebooks.count == 1 { return notebook(notebooks[0], &plan) }
        return nil
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
