import IbidModel
import IbidTOML

extension DerivedRecipe {
    // MARK: PEP 751

    /// `pylock.toml`, or the only `pylock.NAME.toml`.
    var pylock: String? {
        if has("pylock.toml") { return "pylock.toml" }
        let named = names(".toml").filter { $0.hasPrefix("pylock.") }
        return named.count == 1 ? named[0] : nil
    }

    func fromPylock(_ lock: String, _ plan: inout Plan) throws {
        // A package that is a path of the repository needs the repository.
        let text = try read(lock) ?? ""
        plan.hasSource = text.split(separator: "\n").contains { line in
            ["path = ", "path=", "directory = {", "directory={"].contains { line.contains($0) }
        }
        plan.dependencies += plan.hasSource ? ["COPY . ."] : copies([lock])
        plan.stages = Self.uvStage(plan.python)
        plan.dependencies.append(Self.uv("pip install --system -r \(lock)"))
        plan.names = nil
    }

    // MARK: uv

    func fromUVLock(_ project: ProjectFile, _ plan: inout Plan) throws {
        let (members, known) = try uvPackages()
        if let known {
            try requireLocked(project.wanted, of: ProjectFile.name, in: known, lock: "uv.lock", writer: "uv lock")
        }
        plan.stages = Self.uvStage(plan.python)
        plan.dependencies.append(
            "ENV UV_PROJECT_ENVIRONMENT=/opt/venv VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH")
        plan.dependencies += copies(["pyproject.toml", "uv.lock"] + members.map { $0 + "/pyproject.toml" })
        let sync = "sync --frozen --no-dev --python \(plan.python.version)"
        plan.dependencies.append(Self.uv(sync + " --no-install-local"))
        if project.isInstalledByUV || !members.isEmpty {
            plan.project.append(Self.uv(sync + " --no-editable", with: versionVariables))
        }
        plan.names = nil
    }

    /// The directories of the lock's packages that are part of the repository, and what the one in the root asks for
    /// according to the lock; nil when the lock does not say.
    private func uvPackages() throws -> (members: [String], known: Set<String>?) {
        let lock = try TOMLFile.read("uv.lock", from: tree)
        var (members, known): ([String], Set<String>?) = ([], nil)
        for package in lock["package"]?.array ?? [] {
            let source = package["source"]
            let path = ["editable", "virtual", "directory"].lazy.compactMap { source?[$0]?.string }.first
            guard let path else { continue }
            if path == "." {
                let wanted = package["metadata"]?["requires-dist"]?.array ?? []
                known = Set(wanted.compactMap { $0["name"]?.string }.map { IndexPage.normalised($0) })
            } else if !path.hasPrefix(".."), has(path + "/pyproject.toml") {
                members.append(path)
            }
        }
        return (members, known)
    }

    /// A stage that has uv, the same for every project: its step runs once.
    private static func uvStage(_ python: PythonWish) -> [String] {
        ["FROM python:\(python.version) AS uv", "RUN pip install --target /uv uv==\(uvVersion)"]
    }

    /// A step that uses uv, which is not in the image.
    private static func uv(_ arguments: String, with variables: String = "") -> String {
        "RUN --mount=type=bind,from=uv,source=/uv,target=/tmp/uv \(variables)/tmp/uv/bin/uv \(arguments)"
    }
}
