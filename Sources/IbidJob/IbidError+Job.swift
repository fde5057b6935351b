import IbidModel

extension IbidError {
    /// The text is not TOML.
    static func jobFileSyntax(_ file: String, line: Int, _ problem: String) -> IbidError {
        IbidError("job-file-syntax", "\(file):\(line): \(problem)")
    }

    /// The text is TOML, but not a job.
    static func jobFile(_ file: String, line: Int, _ problem: String, hint: String? = nil) -> IbidError {
        IbidError("job-file-invalid", "\(file):\(line): \(problem)", hint: hint)
    }

    /// A key that no job has.
    static func jobFileUnknownKey(
        _ file: String, line: Int, key: String, place: String, known: [String]
    ) -> IbidError {
        let list = "known here: " + known.joined(separator: ", ")
        let hint = Spelling.nearest(to: key, among: known).map { "did you mean '\($0)'? (\(list))" } ?? list
        return IbidError("job-file-unknown-key", "\(file):\(line): unknown key '\(key)'\(place)", hint: hint)
    }

    /// Text that should be a byte count is not one.
    static func malformedSize(_ text: String, _ hint: String) -> IbidError {
        IbidError("malformed-size", "'\(text)' is not a size", hint: hint, exit: .usage)
    }

    /// Text that should be a length of time is not one.
    static func malformedDuration(_ text: String) -> IbidError {
        IbidError(
            "malformed-duration", "'\(text)' is not a duration",
            hint: "write whole days, hours, minutes and seconds, largest first: '90s', '10m', '1h30m', '2d'",
            exit: .usage)
    }

    /// A command has a brace that belongs to no placeholder.
    static func strayBrace(_ argument: String, _ brace: String) -> IbidError {
        IbidError(
            "malformed-command", "'\(argument)' has a single '\(brace)'",
            hint: "'{name}' stands for a parameter; write '\(brace)\(brace)' for the character itself", exit: .usage)
    }

    /// A command names a parameter that the job does not have.
    static func unknownPlaceholder(_ name: String, in argument: String, known: [String]) -> IbidError {
        IbidError(
            "unknown-parameter", "'\(argument)' names the parameter '\(name)', which the job does not have",
            hint: parameterHint(name, known), exit: .usage)
    }

    /// The user set a parameter that the job does not have.
    static func unknownParameter(_ name: String, known: [String]) -> IbidError {
        IbidError(
            "unknown-parameter", "the job has no parameter '\(name)'", hint: parameterHint(name, known), exit: .usage)
    }

    private static func parameterHint(_ name: String, _ known: [String]) -> String {
        if let near = Spelling.nearest(to: name, among: known) { return "did you mean '\(near)'?" }
        if known.isEmpty { return "parameters and their defaults stand under [params] in job.toml" }
        return "it has: " + known.joined(separator: ", ")
    }
}
