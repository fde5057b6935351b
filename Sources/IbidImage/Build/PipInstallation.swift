/// What the text of a step says about what it will install with pip: good enough to make haste by, never relied upon.
struct PipInstallation: Hashable, Sendable {
    /// A project that will be asked for.
    struct Requirement: Hashable, Sendable {
        /// Its name in normal form.
        var project: String
        /// The version, when it is pinned with `==`.
        var version: String?
    }

    /// Requirements on the command line.
    private(set) var requirements: [Requirement] = []
    /// Requirement files, as they are written.
    private(set) var files: [String] = []

    /// Things that want to see, or to have, files for other machines than the one they run on.
    private static let farSighted = [
        "--platform", "--python-version", "--implementation", "--abi", "pip-compile", "pip-tools", "piptools",
        "pip download", "pip lock", "pip index", "pip hash", "pipenv", "poetry", "pdm", "PIP_PLATFORM",
        "PIP_PYTHON_VERSION", "PIP_IMPLEMENTATION", "PIP_ABI",
    ]
    private static let farSightedVariables = ["PIP_PLATFORM", "PIP_PYTHON_VERSION", "PIP_IMPLEMENTATION", "PIP_ABI"]
    private static let withValue: Set<String> = [
        "-c", "--constraint", "-t", "--target", "-i", "--index-url", "--extra-index-url", "-f", "--find-links",
        "--prefix", "--root", "--no-binary", "--only-binary", "--timeout", "--retries", "--trusted-host", "--cert",
        "--client-cert", "--proxy", "-e", "--editable", "--src", "--upgrade-strategy", "--log", "--report",
        "--cache-dir",
        "--config-settings", "--global-option", "--use-feature", "--progress-bar", "--root-user-action", "--python",
    ]

    /// - Returns: nil when the text does not install with pip, or does something that needs to see a whole index.
    init?(_ text: String, environment: [String: String]) {
        guard !Self.farSighted.contains(where: { text.contains($0) }),
            !Self.farSightedVariables.contains(where: { environment[$0] != nil })
        else { return nil }
        var installs = false
        for command in text.split(whereSeparator: { ";&|\n()".contains($0) }) {
            let words = command.split(whereSeparator: \.isWhitespace)
                .map { $0.filter { !"\"'".contains($0) } }.filter { $0 != "\\" }
            guard let verb = words.firstIndex(of: "install"), verb > 0, Self.isPip(words[..<verb]) else { continue }
            installs = true
            read(Array(words[(verb + 1)...]))
        }
        guard installs else { return nil }
    }

    private static func isPip(_ words: ArraySlice<String>) -> Bool {
        // Options may stand between pip and its verb.
        guard let word = words.last(where: { !$0.hasPrefix("-") }) else { return false }
        let name = word.split(separator: "/").last ?? ""
        return name.hasPrefix("pip") && name.dropFirst(3).allSatisfy { $0 == "." || $0.isNumber }
    }

    private mutating func read(_ words: [String]) {
        var index = 0
        while index < words.count {
            let word = words[index]
            index += 1
            if word == "-r" || word == "--requirement" {
                if index < words.count { files.append(words[index]) }
                index += 1
            } else if word.hasPrefix("--requirement=") {
                files.append(String(word.dropFirst(14)))
            } else if word.hasPrefix("-r"), word.count > 2 {
                files.append(String(word.dropFirst(2)))
            } else if Self.withValue.contains(word) {
                index += 1
            } else if let requirement = Self.requirement(word) {
                requirements.append(requirement)
            }
        }
    }

    /// Reads a requirements file.
    mutating func add(file text: String) {
        for line in text.split(whereSeparator: \.isNewline).prefix(500) {
            if let requirement = Self.requirement(String(line.prefix { $0 != "#" && $0 != ";" })) {
                requirements.append(requirement)
            }
        }
    }

    /// `name`, `name[extra]==1.0`, `name >= 1`; nil for options, paths and addresses.
    private static func requirement(_ text: String) -> Requirement? {
        let plain = text.filter { !$0.isWhitespace }
        let name = plain.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        guard let first = name.first, first.isLetter || first.isNumber else { return nil }
        var rest = plain.dropFirst(name.count)
        if rest.hasPrefix("[") { rest = rest.drop { $0 != "]" }.dropFirst() }
        guard rest.isEmpty || "=<>!~".contains(rest.first ?? " ") else { return nil }
        var requirement = Requirement(project: IndexPage.normalised(name))
        if rest.hasPrefix("=="), !rest.contains(","), !rest.contains("*") {
            // Hashes may follow on the same line.
            let version = rest.drop { $0 == "=" }.split(separator: "-", omittingEmptySubsequences: false).first ?? ""
            requirement.version = String(version.prefix { $0 != "\\" })
        }
        return requirement
    }
}
