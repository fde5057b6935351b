import IbidModel

/// The Dockerfile that a Python project without one amounts to.
struct DerivedRecipe {
    let tree: SourceTree

    /// - Throws: `recipe-not-found` when the files say too little.
    func text() throws -> String {
        var lines = ["FROM python:3.11", "WORKDIR /work"]
        if has("requirements.txt") {
            // The requirements by themselves, so that a change of the code does not install them again.
            lines += ["COPY \(requirements.joined(separator: " ")) ./", "RUN pip install -r requirements.txt"]
            lines.append("COPY . .")
        } else if has("pyproject.toml") {
            lines += ["COPY . .", "RUN pip install ."]
        } else if has("environment.yml") || has("environment.yaml") {
            throw missing("it has a conda environment, which is not supported yet")
        } else if pythonFiles.isEmpty {
            throw missing("there is no Dockerfile, requirements.txt, pyproject.toml or Python file in it")
        } else {
            lines.append("COPY . .")
        }
        if let command { lines.append("CMD [\"python\", \(Self.quoted(command))]") }
        return lines.joined(separator: "\n") + "\n"
    }

    private func missing(_ why: String) -> IbidError {
        IbidError(
            "recipe-not-found", "cannot tell how to build this directory: \(why)",
            hint: "add a Dockerfile, or list what the analysis needs in requirements.txt", exit: .notFound)
    }

    /// requirements.txt and the files it takes in by `-r` and `-c`, as far as they lie beside it.
    private var requirements: [String] {
        var found = ["requirements.txt"]
        var index = 0
        while index < found.count, index < 50 {
            let bytes = (try? tree.readFile(Array(found[index].utf8))) ?? nil
            for line in String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n") {
                let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "=" || $0 == "\r" })
                guard words.count >= 2, ["-r", "--requirement", "-c", "--constraint"].contains(words[0]) else {
                    continue
                }
                let name = String(words[1])
                if !name.contains("/"), has(name), !found.contains(name) { found.append(name) }
            }
            index += 1
        }
        return found
    }

    /// What a container of the image runs: the only script, or the one that says so by its name.
    private var command: String? {
        if pythonFiles.count == 1 { return pythonFiles[0] }
        return ["main.py", "app.py", "run.py", "__main__.py"].first { has($0) }
    }

    private var pythonFiles: [String] {
        tree.names(in: []).map { String(decoding: $0, as: UTF8.self) }
            .filter { $0.hasSuffix(".py") && $0 != "setup.py" && $0 != "conftest.py" && !$0.hasPrefix("test_") }
    }

    private func has(_ name: String) -> Bool {
        if case .file? = tree.node(Array(name.utf8))?.kind { true } else { false }
    }

    private static func quoted(_ text: String) -> String {
        String(decoding: CanonicalJSON.bytes(.string(text)), as: UTF8.self)
    }
}
