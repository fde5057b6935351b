import ArgumentParser
import IbidEngine
import IbidModel

/// Which runs are listed.
struct RunFilterOptions: ParsableArguments {
    @Option(help: "Runs of this job.")
    var job: String?
    @Option(help: "Runs of this commit, or of those that begin so.")
    var commit: String?
    @Option(help: "Runs of this image (sha256:…).")
    var image: String?
    @Option(help: "Runs that read these bytes as an input (sha256:…).")
    var input: String?
    @Option(help: "Runs that left these bytes as an output (sha256:…).")
    var output: String?
    @Option(help: "succeeded, failed, killed, refused, or open.")
    var status: String?
    @Option(help: "Runs that started then or later: 2026-01-31 or 2026-01-31T12:00:00Z.")
    var since: String?
    @Option(help: "Runs that have this tag.")
    var tag: String?

    func query() throws -> RunFilter {
        var query = RunFilter()
        query.job = job
        query.tag = tag
        if let commit {
            let digits = commit.lowercased()
            guard !digits.isEmpty, digits.utf8.count <= 40, digits.allSatisfy(\.isHexDigit) else {
                throw ValidationError("--commit takes a git commit or its first digits, not '\(commit)'")
            }
            query.commit = digits
        }
        query.image = try digest(image, "--image")
        query.input = try digest(input, "--input")
        query.output = try digest(output, "--output")
        if let status {
            guard ["succeeded", "failed", "killed", "refused", "open"].contains(status) else {
                throw ValidationError("--status is succeeded, failed, killed, refused or open, not '\(status)'")
            }
            query.status = status
        }
        if let since {
            guard let time = Timestamp(since.utf8.count == 10 ? since + "T00:00:00Z" : since) else {
                throw ValidationError("--since takes a date or a time in RFC 3339, not '\(since)'")
            }
            query.since = time
        }
        return query
    }

    private func digest(_ text: String?, _ option: String) throws -> Digest? {
        guard let text else { return nil }
        guard let digest = Digest(text) ?? Digest(hex: text) else {
            throw ValidationError("\(option) takes sha256: and 64 hexadecimal digits, not '\(text)'")
        }
        return digest
    }
}

extension ProvenanceTree {
    /// The tree in lines, one for each node.
    func text(prefix: String, isLast: Bool?) -> String {
        let branch = isLast.map { $0 ? "└─ " : "├─ " } ?? ""
        let words = [kind, Terminal.safe(name), digest ?? ""].filter { !$0.isEmpty }
        var text = prefix + branch + words.joined(separator: "  ") + "\n"
        let inner = prefix + (isLast.map { $0 ? "   " : "│  " } ?? "")
        for (position, child) in children.enumerated() {
            text += child.text(prefix: inner, isLast: position + 1 == children.count)
        }
        return text
    }

    /// The tree for programs.
    var json: JSONDocument {
        .object([
            ("kind", .string(kind)), ("name", .string(name)), ("digest", .text(digest)),
            ("children", .array(children.map(\.json))),
        ])
    }
}
