import IbidModel

/// What pip will read and need besides a requirements file.
struct RequirementsScan {
    /// The file and those it takes in by `-r` and `-c`: paths in the source.
    private(set) var files: [String] = []
    /// Files and directories that requirements name.
    private(set) var paths: [String] = []
    /// Whether the source as a whole is among them.
    private(set) var needsSource = false
    /// Whether requirements have hashes; pip wants all or none of them to.
    private(set) var isHashed = false
    /// The projects that are named, in normal form, and where.
    private(set) var names: [String: String] = [:]
    /// The lines of a scan that is of no file.
    let lines: [String]

    private let tree: SourceTree

    /// Scans a file of the source.
    init(file: String, in tree: SourceTree) throws {
        self.tree = tree
        lines = []
        files = [file]
        var index = 0
        while index < files.count {
            guard index < 100 else { throw IbidError.recipeFile(file, nil, "it takes in more than 100 files") }
            let name = files[index]
            try scan(Self.logicalLines(try tree.text(of: name, limit: 16 << 20) ?? ""), of: name)
            index += 1
        }
    }

    /// Scans lines that stand in the file `name`, which is in the root.
    init(lines: [(text: String, line: Int)], of name: String, in tree: SourceTree) throws {
        self.tree = tree
        self.lines = lines.map(\.text)
        try scan(lines.map { ($0.text, $0.line) }, of: name)
        var index = 0
        while index < files.count, index < 100 {
            let text = try tree.text(of: files[index], limit: 16 << 20) ?? ""
            try scan(Self.logicalLines(text), of: files[index])
            index += 1
        }
    }

    /// Lines as pip joins them, without comments, and the number of each.
    private static func logicalLines(_ text: String) -> [(text: String, line: Int)] {
        var lines: [(text: String, line: Int)] = []
        var open: (text: String, line: Int)?
        for (index, raw) in text.split(whereSeparator: \.isNewline, omitting: false).enumerated() {
            let trimmed = DockerfileReader.trimmed(raw)
            var line = trimmed.hasPrefix("#") ? "" : trimmed
            if let comment = line.firstRange(of: " #") {
                line = DockerfileReader.trimmed(String(line[..<comment.lowerBound]))
            }
            let continues = line.hasSuffix("\\")
            if continues { line.removeLast() }
            open = open.map { ($0.text + " " + line, $0.line) } ?? (line, index + 1)
            if !continues, let done = open {
                if !DockerfileReader.trimmed(done.text).isEmpty { lines.append(done) }
                open = nil
            }
        }
        return lines + (open.map { [$0] } ?? [])
    }

    private mutating func scan(_ lines: [(text: String, line: Int)], of file: String) throws {
        for (text, line) in lines {
            let words = text.split(whereSeparator: { $0.isWhitespace }).map(String.init)
            guard let first = words.first else { continue }
            if words.contains(where: { $0.hasPrefix("--hash=") }) { isHashed = true }
            try refuseRepository(text, of: file, line)
            try refuseConda(text, of: file, line)
            guard first.hasPrefix("-") else {
                try requirement(text, of: file, line)
                continue
            }
            guard let (option, value) = Self.option(words) else { continue }
            switch option {
            case "-r", "--requirement", "-c", "--constraint":
                guard !value.contains("://") else { continue }
                let path = Self.joined(file, value)
                guard let path, case .file? = tree.node(Array(path.utf8))?.kind else {
                    throw IbidError.recipeFile(file, line, "the source has no file '\(value)'")
                }
                if !files.contains(path) { files.append(path) }
            case "-e", "--editable": try local(value, of: file, line, isNeeded: !value.contains("+"))
            case "-f", "--find-links": try local(value, of: file, line, isNeeded: false)
            default: continue
            }
        }
    }

    /// A build step reaches package indexes, not repositories; what a marker may leave out is pip's to say.
    private func refuseRepository(_ text: String, of file: String, _ line: Int) throws {
        guard let address = text.firstMatch(of: /(?:^|[\s@=])(git|hg|svn|bzr)\+[a-z]+:/), !text.contains(";") else {
            return
        }
        throw IbidError.recipeFile(
            file, line,
            "'\(Address.withoutSecrets(text))' comes from a \(address.1) repository, which no build step reaches",
            hint: "name an archive of the commit (NAME @ https://HOST/OWNER/NAME/archive/COMMIT.tar.gz), or write a "
                + "Dockerfile that begins with ADD https://HOST/OWNER/NAME.git#COMMIT /src/NAME and installs that")
    }

    /// What 'conda list --export' and 'pip freeze' in a conda environment write means nothing elsewhere.
    private func refuseConda(_ text: String, of file: String, _ line: Int) throws {
        if text.firstMatch(of: /^[A-Za-z0-9._-]+=[^=\s]+(=[^=\s]+)?$/) != nil {
            throw IbidError.recipeFile(
                file, line, "'\(text)' is conda's way to write it, which pip does not understand",
                hint: "in the environment, write the file again: pip list --format=freeze > requirements.txt")
        }
        let path = text.firstMatch(of: /^([A-Za-z0-9._-]+)(\[[^\]]*\])?\s*@\s*file:\/\/\//)
        if let name = path?.1, !text.contains(";") {
            throw IbidError.recipeFile(
                file, line, "'\(name)' comes from a path of the machine that wrote the file",
                hint: "name its version (\(name)==…), or write the file again: "
                    + "pip list --format=freeze > requirements.txt")
        }
    }

    /// The project that a requirement names, in normal form.
    static func name(of text: String) -> String {
        IndexPage.normalised(text.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) })
    }

    /// An option and its value, in any of the forms that pip takes.
    private static func option(_ words: [String]) -> (String, String)? {
        let first = words[0]
        if let equals = first.firstIndex(of: "="), first.hasPrefix("--") {
            return (String(first[..<equals]), String(first[first.index(after: equals)...]))
        }
        if !first.hasPrefix("--"), first.count > 2 { return (String(first.prefix(2)), String(first.dropFirst(2))) }
        return words.count > 1 ? (first, words[1]) : nil
    }

    private mutating func requirement(_ text: String, of file: String, _ line: Int) throws {
        let name = String(text.prefix { $0.isLetter || $0.isNumber || "-_.".contains($0) })
        let rest = DockerfileReader.trimmed(String(text.dropFirst(name.count)))
        if rest.hasPrefix("@") || (rest.hasPrefix("[") && rest.contains("] @")) {
            names[Self.name(of: name)] = "\(file):\(line)"
            let place = rest.split(separator: "@", maxSplits: 1).last.map { DockerfileReader.trimmed(String($0)) } ?? ""
            if place.hasPrefix("file:") { try local(place, of: file, line, isNeeded: true) }
            return
        }
        let word = text.prefix { !$0.isWhitespace && $0 != ";" }
        if word.hasPrefix(".") || word.hasPrefix("file:") || (word.contains("/") && !word.contains("://")) {
            return try local(String(word), of: file, line, isNeeded: true)
        }
        if word.hasSuffix(".whl") || word.hasSuffix(".tar.gz") || word.hasSuffix(".zip") {
            return try local(String(word), of: file, line, isNeeded: !word.contains("://"))
        }
        if !name.isEmpty { names[Self.name(of: name)] = "\(file):\(line)" }
    }

    /// A path that pip resolves against the working directory, which is the source's root.
    private mutating func local(_ value: String, of file: String, _ line: Int, isNeeded: Bool) throws {
        var text = value
        if text.hasPrefix("file:") { text = String(text.dropFirst(5)) }
        if text.contains("://") || text.hasPrefix("/") { return }
        if text.hasSuffix("]"), let extras = text.firstIndex(of: "[") { text = String(text[..<extras]) }
        guard let path = Self.joined("", text) else {
            throw IbidError.recipeFile(
                file, line, "'\(value)' is outside of the job's directory", hint: "only what is in it is built")
        }
        if path.isEmpty {
            needsSource = true
        } else if tree.node(Array(path.utf8)) != nil {
            if !paths.contains(path) { paths.append(path) }
        } else if isNeeded {
            throw IbidError.recipeFile(file, line, "the source has nothing at '\(value)'")
        }
    }

    /// A path relative to a file; nil when it leads out of the source.
    private static func joined(_ file: String, _ path: String) -> String? {
        var parts = file.split(separator: "/").dropLast().map(String.init)
        for part in path.split(separator: "/") where part != "." {
            if part == ".." {
                guard parts.popLast() != nil else { return nil }
            } else {
                parts.append(String(part))
            }
        }
        return parts.joined(separator: "/")
    }
}

extension String {
    /// The pieces between separators, empty ones too.
    fileprivate func split(whereSeparator isSeparator: (Character) -> Bool, omitting: Bool) -> [String] {
        split(omittingEmptySubsequences: omitting, whereSeparator: isSeparator).map(String.init)
    }
}
