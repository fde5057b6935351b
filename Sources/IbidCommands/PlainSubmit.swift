import IbidEngine

/// `ibid submit [DIR] [--fresh] [--allow-dirty] [--json] [-- COMMAND...]`, understood without the parser: the parser takes
/// longer to learn what options there are than such a command for all that comes before its container starts.
///
/// Every other form, and every mistake, is the parser's, which understands these words in the same way.
struct PlainSubmit {
    private(set) var request = SubmitRequest(place: ".")
    private(set) var json = false

    /// Nil when there is anything else among the words.
    init?(_ arguments: [String]) {
        guard arguments.first == "submit" else { return nil }
        var hasDirectory = false
        for (index, word) in arguments.enumerated().dropFirst() {
            switch word {
            case "--fresh" where !request.fresh: request.fresh = true
            case "--allow-dirty" where !request.allowDirty: request.allowDirty = true
            case "--json" where !json: json = true
            case "--":
                request.command = Array(arguments[(index + 1)...])
                return
            default:
                guard !hasDirectory, !word.isEmpty, !word.hasPrefix("-") else { return nil }
                (request.place, hasDirectory) = (word, true)
            }
        }
    }

    /// Submits the job.
    func run() throws {
        try Submit.run(request, engine: try IsolationOptions.engine(json: json), json: json, progress: .auto)
    }
}
