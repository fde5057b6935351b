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
        plan.dependencies.append(Self.uv("pip install --system -r \(lock)"))
        plan.names = nil
    }

    // MARK: uv

    func fromUVLock(_ project: ProjectFile, _ plan: inout Plan) throws {
        let members = try uvMembers()
        plan.dependencies.append(
            "ENV UV_PROJECT_ENVIRONMENT=/opt/venv VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH")
        plan.dependencies += copies(["pyproject.toml", "uv.lock"] + members.map { $0 + "/pyproject.toml" })
        let sync = "sync --frozen --no-dev --python \(plan.python.version)"
        plan.dependencies.append(Self.uv(sync + " --no-install-local"))
        if project.isInstalledByUV || !members.isEmpty { plan.project.append(Self.uv(sync + " --no-editable")) }
        plan.names = nil
    }

    /// The directories of the lock's packages that are part of the repository.
    private func uvMembers() throws -> [String] {
        var members: [String] = []
        for line in (try read("uv.lock") ?? "").split(separator: "\n") where line.hasPrefix("source = {") {
            for kind in ["editable", "virtual", "directory"] {
                let parts = line.components(after: "\(kind) = \"")
                guard let path = parts, path != ".", !path.hasPrefix(".."), has(path + "/pyproject.toml") else {
                    continue
                }
                members.append(path)
            }
        }
        return members
    }

    /// A step that uses uv and leaves it out of the image.
    private static func uv(_ arguments: String) -> String {
        "RUN pip install --target /tmp/uv uv==\(uvVersion) && /tmp/uv/bin/uv \(arguments) && rm -rf /tmp/uv"
    }

    // MARK: Poetry

    func fromPoetryLock(_ project: ProjectFile?, _ plan: inout Plan) throws {
        let lock = try TOMLFile.read("poetry.lock", from: tree)
        let version = lock["metadata"]?["lock-version"]?.string ?? "unknown"
        guard version.hasPrefix("2."), version != "2.0" else {
            throw IbidError.recipeFile(
                "poetry.lock", nil, "its form (\(version)) does not say which packages are for running",
                hint: "write it again with Poetry 2 (poetry lock), or export it: poetry export -o requirements.txt")
        }
        var requirements: [LockedRequirement] = []
        for package in lock["package"]?.array ?? [] {
            let groups = package["groups"]?.array?.compactMap(\.string) ?? []
            guard groups.contains("main"), package["optional"]?.boolean != true else { continue }
            let name = package["name"]?.string ?? ""
            if let source = package["source"], let type = source["type"]?.string, type != "legacy" {
                throw IbidError.recipeFile(
                    "poetry.lock", package.line, "'\(name)' comes from a \(type), not from an index",
                    hint: "name an archive of it by its address in requirements.txt, or write a Dockerfile")
            }
            requirements.append(
                LockedRequirement(
                    name: name, version: package["version"]?.string ?? "",
                    marker: package["markers"]?.string ?? package["markers"]?["main"]?.string,
                    hashes: package["files"]?.array?.compactMap { $0["hash"]?.string } ?? [],
                    index: package["source"]?["url"]?.string))
        }
        try fromLocked(requirements, of: "poetry.lock", &plan)
        if let project, project.isInstalled { plan.project.append("RUN pip install --no-deps .") }
    }

    // MARK: Pipenv

    func fromPipfileLock(_ plan: inout Plan) throws {
        guard let bytes = try tree.readFile(Array("Pipfile.lock".utf8), limit: 64 << 20),
            let lock = try? CanonicalJSON.parse(bytes), let packages = lock["default"]?.object
        else { throw IbidError.recipeFile("Pipfile.lock", nil, "it is no lock of Pipenv's") }
        var indexes: [String: String] = [:]
        for source in lock["_meta"]?["sources"]?.array ?? [] {
            if let name = source["name"]?.string, let url = source["url"]?.string { indexes[name] = url }
        }
        if let wish = lock["_meta"]?["requires"]?["python_version"]?.string, !plan.python.isExplicit {
            plan.python = try PythonWish(wish, from: "Pipfile.lock", line: nil)
        }
        let requirements = try packages.sorted { $0.key < $1.key }.map { name, package in
            guard let version = package["version"]?.string, version.hasPrefix("==") else {
                throw IbidError.recipeFile(
                    "Pipfile.lock", nil, "'\(name)' comes from no index",
                    hint: "name an archive of it by its address in requirements.txt, or write a Dockerfile")
            }
            return LockedRequirement(
                name: name, version: String(version.dropFirst(2)), marker: package["markers"]?.string,
                hashes: package["hashes"]?.array?.compactMap(\.string) ?? [],
                index: package["index"]?.string.flatMap { indexes[$0] })
        }
        try fromLocked(requirements, of: "Pipfile.lock", &plan)
    }

    // MARK: both

    private struct LockedRequirement {
        var name: String
        var version: String
        var marker: String?
        var hashes: [String]
        var index: String?
    }

    private func fromLocked(_ requirements: [LockedRequirement], of file: String, _ plan: inout Plan) throws {
        var lines = ["# from \(file)"]
        let indexes = Set(requirements.compactMap(\.index).filter { Address.host(of: $0) != "pypi.org" }).sorted()
        if let secret = indexes.first(where: { $0.contains("$") }) {
            throw IbidError.recipeFile(
                file, nil, "the index \(Address.withoutSecrets(secret)) takes something from the environment",
                hint: "tell this host's pip of it instead: pip config set global.extra-index-url URL")
        }
        lines += indexes.map { "--extra-index-url \($0)" }
        for requirement in requirements {
            let known = requirement.hashes.filter { $0.hasPrefix("sha256:") || $0.hasPrefix("sha512:") }
            guard !requirement.name.isEmpty, !requirement.version.isEmpty, !known.isEmpty else {
                throw IbidError.recipeFile(
                    file, nil, "'\(requirement.name)' has no version or no hashes", hint: "lock it again")
            }
            lines.append(
                "\(requirement.name)==\(requirement.version)" + (requirement.marker.map { " ; \($0)" } ?? "")
                    + known.map { " --hash=\($0)" }.joined())
        }
        plan.dependencies.append(Self.document(lines, at: "/opt/requirements.txt"))
        plan.dependencies.append("RUN pip install --no-deps --require-hashes -r /opt/requirements.txt")
        plan.names = Set(requirements.map { IndexPage.normalised($0.name) })
    }
}

extension Substring {
    /// What stands between a text and the next quote; nil when the text is not there.
    fileprivate func components(after prefix: String) -> String? {
        range(of: prefix).map { self[$0.upperBound...].prefix { $0 != "\"" } }.map(String.init)
    }

    private func range(of text: String) -> Range<Index>? { firstRange(of: text) }
}
