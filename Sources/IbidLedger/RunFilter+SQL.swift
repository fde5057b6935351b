public import IbidModel

extension RunFilter {
    /// What a filter looks for in `terms`: a term, or all that begin like it.
    private struct Word {
        var text: String
        var role: String
        var isPrefix = false

        /// A condition over the columns of `terms`, and its arguments.
        var condition: (sql: String, arguments: StatementArguments) {
            // A range, so that digits are not a pattern. "g" follows "f".
            isPrefix
                ? ("term >= ? AND term < ? || 'g' AND role = ?", [text, text, role])
                : ("term = ? AND role = ?", [text, role])
        }
    }

    private var words: [Word] {
        var words: [Word] = []
        if let job { words.append(Word(text: job, role: "job")) }
        if let commit { words.append(Word(text: commit, role: "commit", isPrefix: true)) }
        if let input { words.append(Word(text: input.hex, role: "dependency")) }
        if let output { words.append(Word(text: output.hex, role: "subject")) }
        if let status, status != "open" { words.append(Word(text: status, role: "status")) }
        return words
    }

    /// Whether terms are looked for.
    var asksTerms: Bool { tag != nil || !words.isEmpty }

    /// Up to so many entries with a term, their runs are looked up; with more of them, runs are looked through from the
    /// newest on.
    private static let few = 10_000

    // Terms are looked for in the one part that has those of an entry, not in all.
    private static func isOf(_ entry: String) -> String {
        "part = \(entry).leaf_index / \(Schema.partEntries) AND leaf_index = \(entry).leaf_index"
    }

    /// A condition over the view `runs` as r and the statement of its last word as s, and its arguments.
    func condition(_ db: Database) throws -> (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments = StatementArguments()
        func add(_ sql: String, _ values: StatementArguments) {
            conditions.append(sql)
            arguments += values
        }
        func addRuns(of word: Word) throws {
            let (sql, values) = word.condition
            let count = try db.integer(
                "SELECT count(*) FROM (SELECT 1 FROM terms WHERE \(sql) LIMIT \(Self.few + 1))", values)
            guard let count, count <= Self.few else { return }
            add("r.run_id IN (SELECT run_id FROM terms JOIN events USING (leaf_index) WHERE \(sql))", values)
        }
        for word in words {
            try addRuns(of: word)
            // Whether it is their last word.
            let (sql, values) = word.condition
            add("EXISTS (SELECT 1 FROM terms WHERE \(sql) AND \(Self.isOf("s")))", values)
        }
        for (digest, role, names) in [(input, "dependency", "inputs"), (output, "subject", "outputs")] {
            guard let digest else { continue }
            // "0" follows "/".
            add(
                """
                EXISTS (SELECT 1 FROM artifacts WHERE \(Self.isOf("s")) AND digest = ?
                    AND role = '\(role)' AND name >= '\(names)/' AND name < '\(names)0')
                """, [digest.hex])
        }
        if let image { add("r.image = ?", [image.hex]) }
        if status == "open" { add("r.outcome_index IS NULL AND r.intent_index IS NOT NULL", []) }
        if let since {
            // Without the Z: a fraction of a second comes before it in the alphabet.
            add("r.started_at >= ?", [String(since.description.dropLast())])
        }
        if let tag {
            try addRuns(of: Word(text: tag, role: "tag"))
            // The last word about a tag counts.
            add(
                """
                (SELECT t.role = 'tag' FROM events AS e
                    JOIN terms AS t ON t.part = e.leaf_index / \(Schema.partEntries) AND t.leaf_index = e.leaf_index
                    WHERE e.run_id = r.run_id AND e.kind = 'note' AND t.term = ? AND t.role IN ('tag', 'untag')
                    ORDER BY e.leaf_index DESC LIMIT 1) = 1
                """, [tag])
        }
        return (conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND "), arguments)
    }
}

extension Ledger {
    /// The runs that a filter lets through, newest first. Of a run that was taken in only its tags and its id are known
    /// here.
    public func runs(matching filter: RunFilter, limit: Int? = nil) throws -> [RunEntry] {
        if filter.isEmpty { return try runs(limit: limit) }
        return try (filter.asksTerms ? readingTerms : read) { db in
            let (condition, arguments) = try filter.condition(db)
            return try Row.fetchAll(
                db,
                sql: """
                    SELECT r.* FROM runs AS r
                    LEFT JOIN statements AS s ON s.leaf_index = ifnull(r.outcome_index, r.intent_index)
                    WHERE \(condition) ORDER BY r.first_index DESC LIMIT ?
                    """, arguments: arguments + [limit ?? -1]
            ).compactMap(Self.runEntry)
        }
    }

    /// What was said of a run, oldest first: its tags as they stand, and its comments with their times.
    public func notes(of run: RunID) throws -> (tags: [String], comments: [(at: String, text: String)]) {
        let notes = try entries(for: run).filter { $0.kind == .note(run) }.compactMap(\.statement?.predicate)
        var tags: [String] = []
        var comments: [(at: String, text: String)] = []
        for note in notes {
            if let tag = note["tag"]?.string, !tags.contains(tag) { tags.append(tag) }
            if let tag = note["untag"]?.string { tags.removeAll { $0 == tag } }
            if let text = note["text"]?.string { comments.append((note["at"]?.string ?? "", text)) }
        }
        return (tags, comments)
    }
}
