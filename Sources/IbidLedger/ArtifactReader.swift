import GRDB

/// Reads the artifacts beside the entries, both in the order of indices.
final class ArtifactReader {
    private let rows: RowCursor
    private var ahead: (index: Int64, artifact: StatementFacts.Artifact)?

    init(_ db: Database) throws {
        rows = try Row.fetchCursor(
            db, sql: "SELECT leaf_index, role, name, digest FROM artifacts ORDER BY leaf_index, position")
        try advance()
    }

    /// The artifacts of an entry; those of entries passed over are left out.
    func next(_ index: Int64) throws -> [StatementFacts.Artifact] {
        var found: [StatementFacts.Artifact] = []
        while let (leafIndex, artifact) = ahead, leafIndex <= index {
            if leafIndex == index { found.append(artifact) }
            try advance()
        }
        return found
    }

    private func advance() throws {
        ahead = try rows.next().map {
            (
                $0.integer(0) ?? -1,
                StatementFacts.Artifact(role: $0.text(1) ?? "", name: $0.text(2) ?? "", digest: $0.text(3) ?? "")
            )
        }
    }
}
