import IbidCrypto
import IbidLedger
import IbidModel

extension Engine {
    /// The whole ledger as comma-separated values (RFC 4180), one row for each entry.
    public func exportTable() throws -> String {
        var rows = [
            "leaf_index,kind,run,job,commit,image,status,exit_code,started_at,finished_at,statement_sha256,leaf_sha256\r\n"
        ]
        for index in 0..<(try ledger.size()) {
            let entry = try ledger.entry(at: index)
            let predicate = entry.statement?.predicate
            let definition = predicate?["buildDefinition"]
            let metadata = predicate?["runDetails"]?["metadata"]
            let ending = predicate?["runDetails"]?["byproducts"]?.array?.first?["annotations"]
            let commits = (definition?["resolvedDependencies"]?.array ?? []).compactMap {
                $0["digest"]?["gitCommit"]?.string
            }
            let cells: [String?] = [
                String(index), entry.kind.name, entry.kind.run?.text, definition?["externalParameters"]?["job"]?.string,
                commits.first,
                entry.statement?.dependency("image")?.hex ?? entry.kind.image?.hex, ending?["status"]?.string,
                (ending?["exitCode"]?.int).map { String($0) }, metadata?["startedOn"]?.string,
                metadata?["finishedOn"]?.string, Digest.sha256(of: entry.envelope.payload).hex,
                Digest.sha256(of: [0] + entry.leaf).hex,
            ]
            rows.append(cells.map { Self.cell($0 ?? "") }.joined(separator: ",") + "\r\n")
        }
        return rows.joined()
    }

    // A spreadsheet takes what begins like this for a formula (OWASP, CSV injection).
    private static func cell(_ text: String) -> String {
        let safe = text.first.map { "=+-@\t\r".contains($0) } == true ? "'" + text : text
        guard safe.contains(where: { ",\"\r\n".contains($0) }) else { return safe }
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }
}

extension LedgerEntry.Kind {
    /// The word for it.
    var name: String {
        switch self {
        case .intent: "intent"
        case .run: "run"
        case .image: "image"
        case .replay: "replay"
        case .imported: "import"
        case .note: "note"
        case .other: "other"
        }
    }

    /// The run that it is about.
    var run: RunID? {
        switch self {
        case .intent(let run), .run(let run), .replay(let run), .imported(let run), .note(let run): run
        case .image, .other: nil
        }
    }

    /// The image that it is about, when it is about nothing else.
    var image: Digest? { if case .image(let digest) = self { digest } else { nil } }
}
