import GRDB
public import IbidModel

extension RunFilter {
    /// A condition over the view `runs` as r, and its arguments.
    var condition: (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments = StatementArguments()
        func add(_ sql: String, _ values: any DatabaseValueConvertible...) {
            conditions.append(sql)
            arguments += StatementArguments(values)
        }
        let definition = "s.payload ->> '$.predicate.buildDefinition"
        if let job { add("\(definition).externalParameters.job' = ?", job) }
        if let commit {
            let place = "\(definition).internalParameters.snapshot.commit'"
            // A range, so that digits are not a pattern. ":" follows "9", "g" follows "f".
            add("\(place) >= ? AND \(place) < ? || 'g'", commit, commit)
        }
        if let image { add("r.image = ?", image.hex) }
        // The runs first, by the index of digests; then whether it is their last word.
        for digest in [input, output].compactMap({ $0?.hex }) {
            add("r.run_id IN (SELECT run_id FROM artifacts JOIN events USING (leaf_index) WHERE digest = ?)", digest)
        }
        let named = "EXISTS (SELECT 1 FROM artifacts WHERE leaf_index = s.leaf_index AND digest = ?"
        if let input { add("\(named) AND role = 'dependency' AND name >= 'inputs/' AND name < 'inputs0')", input.hex) }
        if let output { add("\(named) AND role = 'subject' AND name >= 'outputs/' AND name < 'outputs0')", output.hex) }
        if let status {
            if status == "open" {
                add("r.outcome_index IS NULL AND r.intent_index IS NOT NULL")
            } else {
                add("s.payload ->> '$.predicate.runDetails.byproducts[0].annotations.status' = ?", status)
            }
        }
        if let since {
            // Without the Z: a fraction of a second comes before it in the alphabet.
            add("r.started_at >= ?", String(since.description.dropLast()))
        }
        if let tag {
            // The last word about a tag counts.
            add(
                """
                (SELECT n.payload ->> '$.predicate.tag' IS NOT NULL FROM events AS e JOIN statements AS n USING (leaf_index)
                    WHERE e.run_id = r.run_id AND e.kind = 'note'
                        AND ? IN (n.payload ->> '$.predicate.tag', n.payload ->> '$.predicate.untag')
                    ORDER BY leaf_index DESC LIMIT 1) = 1
                """, tag)
        }
        return (conditions.isEmpty ? "TRUE" : conditions.joined(separator: " AND "), arguments)
    }
}

extension Ledger {
    /// The runs that a filter lets through, newest first. Of a run that was taken in only its tags and its id are known
    /// here.
    public func runs(matching filter: RunFilter, limit: Int? = nil) throws -> [RunEntry] {
        if filter.isEmpty { return try runs(limit: limit) }
        let (condition, arguments) = filter.condition
        return try read { db in
            try Row.fetchAll(
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
