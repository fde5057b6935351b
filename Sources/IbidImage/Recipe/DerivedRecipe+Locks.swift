import IbidModel
import IbidTOML

extension DerivedRecipe {
    // MARK: Poetry and PDM

    func fromPoetryLock(_ project: ProjectFile?, _ plan: inout Plan) throws {
        let lock = try TOMLFile.read("poetry.lock", from: tree)
        let version = lock["metadata"]?["lock-version"]?.string ?? "unknown"
        guard version.hasPrefix("2."), version != "2.0" else {
            throw IbidError.recipeFile(
                "poetry.lock", lock["metadata"]?["lock-version"]?.line,
                "its form (\(version)) does not say which packages are for running",
                hint: "write it again with Poetry 2 (poetry lock), or export it: poetry export -o requirements.txt")
        }
        try fromGroup("main", of: lock, file: "poetry.lock", project, writer: "poetry lock", &plan)
    }

    func fromPDMLock(_ project: ProjectFile?, _ plan: inout Plan) throws {
        let lock = try TOMLFile.read("pdm.lock", from: tree)
        let strategy = lock["metadata"]?["strategy"]?.array?.compactMap(\.string) ?? []
        guard strategy.contains("inherit_metadata") else {
            throw IbidError.recipeFile(
                "pdm.lock", lock["metadata"]?.line, "its form does not say which packages are for running",
                hint: "write it again (pdm lock --update-reuse), or export it: pdm export -f pylock -o pylock.toml")
        }
        try fromGroup("default", of: lock, file: "pdm.lock", project, writer: "pdm lock", &plan)
    }

    /// What a lock in TOML has in one of its groups; Poetry and PDM differ in little.
    private func fromGroup(
        _ group: String, of lock: TOMLNode, file: String, _ project: ProjectFile?, writer: String, _ plan: inout Plan
    ) throws {
        var requirements: [LockedRequirement] = []
        var known: Set<String> = []
        for package in lock["package"]?.array ?? [] {
            let name = package["name"]?.string ?? ""
            known.insert(IndexPage.normalised(name))
            let groups = package["groups"]?.array?.compactMap(\.string) ?? []
            // PDM enters a package once more for its extras, whose packages have entries of their own.
            guard groups.contains(group), package["optional"]?.boolean != true, package["extras"] == nil else {
                continue
            }
            let source = ["git", "path", "url"].first { package[$0] != nil } ?? package["source"]?["type"]?.string
            if let source, source != "legacy" {
                throw IbidError.recipeFile(
                    file, package.line, "'\(name)' comes from a \(source), not from an index",
                    hint: "name an archive of it by its address in requirements.txt, or write a Dockerfile")
            }
            requirements.append(
                LockedRequirement(
                    name: name, version: package["version"]?.string ?? "",
                    marker: package["markers"]?.string ?? package["markers"]?[group]?.string
                        ?? package["marker"]?.string,
                    hashes: package["files"]?.array?.compactMap { $0["hash"]?.string } ?? [],
                    index: package["source"]?["url"]?.string))
        }
        try requireLocked(project?.wanted ?? [], of: ProjectFile.name, in: known, lock: file, writer: writer)
        try fromLocked(requirements, of: file, &plan)
        if let project, project.isInstalled { plan.project.append(install("pip install --no-deps .")) }
    }

    /// A lock that lacks what the project asks for is older than it, and would install something else.
    func requireLocked(
        _ wanted: [ProjectFile.Item], of file: String, in known: Set<String>, lock: String, writer: String
    ) throws {
        guard let missing = wanted.first(where: { !known.contains(RequirementsScan.name(of: $0.text)) }) else { return }
        throw IbidError.recipeFile(
            file, missing.line, "'\(missing.text)' is not in \(lock), which is older",
            hint: "lock it again (\(writer)) and commit the lock")
    }

    // MARK: Pipenv

    func fromPipfileLock(_ plan: inout Plan) throws {
        guard let bytes = try tree.readFile(Array("Pipfile.lock".utf8), limit: 64 << 20),
            let lock = try? CanonicalJSON.parse(bytes), let packages = lock["default"]?.object
        else { throw IbidError.recipeFile("Pipfile.lock", nil, "it is no lock of Pipenv's") }
        if let file = try PipfileText.read(from: tree) {
            let known = Set(packages.keys.map { IndexPage.normalised($0) })
            try requireLocked(file.names, of: "Pipfile", in: known, lock: "Pipfile.lock", writer: "pipenv lock")
        }
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

    func fromPipfile(_ file: PipfileText, _ plan: inout Plan) throws {
        if let python = file.python, !plan.python.isExplicit {
            plan.python = try PythonWish(python.text, from: "Pipfile", line: python.line)
        }
        plan.notes.append("Pipfile: there is no Pipfile.lock, so the newest that fits is taken")
        guard !file.requirements.isEmpty else { return }
        let scan = try RequirementsScan(lines: file.requirements, of: "Pipfile", in: tree)
        try fromRequirements(scan, document: "/opt/requirements.txt", &plan)
    }

    // MARK: all of them

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
