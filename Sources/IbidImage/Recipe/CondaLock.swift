import IbidModel

/// What `conda-lock.yml` says of this platform: the version of every package, conda's and pip's.
///
/// Conda's own builds cannot be installed here; their versions are held to, where the Python package index has them.
struct CondaLock {
    static let name = "conda-lock.yml"

    /// The version of Python; nil when there is none among the packages.
    private(set) var python: (text: String, line: Int)?
    /// Constraints in pip's form, sorted.
    private(set) var constraints: [String] = []

    /// The file in the root of the source; nil when there is none.
    ///
    /// - Throws: `recipe-file` when it holds no package for this platform.
    static func read(from tree: SourceTree) throws -> CondaLock? {
        guard case .file? = tree.node(Array(name.utf8))?.kind else { return nil }
        return try CondaLock(text: try tree.text(of: name, limit: 64 << 20) ?? "")
    }

    init(text: String) throws {
        let platform = ["amd64": "linux-64", "arm64": "linux-aarch64"][BaseCatalog.architecture] ?? "linux-64"
        var entry: [String: String] = [:]
        var (start, isInPackages) = (0, false)
        var seen = false
        for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let line = String(raw)
            // The keys of a package stand two columns in; what is deeper belongs to one of them.
            let isItem = line.hasPrefix("- ")
            if !isItem, !line.hasPrefix("  "), !line.isEmpty, !line.hasPrefix("#") {
                add(entry, platform, start, &seen)
                (entry, isInPackages) = ([:], line.hasPrefix("package:"))
                continue
            }
            guard isInPackages else { continue }
            if isItem {
                add(entry, platform, start, &seen)
                (entry, start) = ([:], index + 1)
            } else if line.dropFirst(2).first == " " {
                continue
            }
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = line[line.index(line.startIndex, offsetBy: 2)..<colon]
            let value = DockerfileReader.trimmed(String(line[line.index(after: colon)...]))
            entry[String(key)] = value.trimmingQuotes
        }
        add(entry, platform, start, &seen)
        guard seen else {
            throw IbidError.recipeFile(
                Self.name, nil, "it has no package for \(platform)",
                hint: "lock for it too: conda-lock lock -p \(platform)")
        }
        constraints.sort()
    }

    private mutating func add(_ entry: [String: String], _ platform: String, _ line: Int, _ seen: inout Bool) {
        guard let name = entry["name"], let version = entry["version"], entry["platform"] == platform,
            entry["optional"] != "true", ["main", nil].contains(entry["category"])
        else { return }
        seen = true
        if name == "python" {
            python = (version, line)
        } else if let known = entry["manager"] == "pip" ? name : CondaNames.index(name) {
            constraints.append("\(known)==\(version)")
        }
    }
}

extension String {
    fileprivate var trimmingQuotes: String {
        for quote in ["'", "\""] where count >= 2 && hasPrefix(quote) && hasSuffix(quote) {
            return String(dropFirst().dropLast())
        }
        return self
    }
}
