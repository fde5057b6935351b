import IbidLedger
public import IbidModel

/// Where a run comes from, as a tree: what it was made of, what that was made of, and what came of it.
public struct ProvenanceTree: Hashable, Sendable {
    /// What it is: `run`, `output`, `image`, `source`, `input`, …
    public var kind: String
    /// Its name.
    public var name: String
    /// Its digest, or git's id; nil for a run.
    public var digest: String?
    /// What it comes from.
    public var children: [ProvenanceTree] = []
}

extension Engine {
    /// The tree of a run. An input that another run made is followed to that run.
    public func provenance(of run: RunID) throws -> ProvenanceTree { try provenance(of: run, above: []) }

    private func provenance(of run: RunID, above: Set<RunID>) throws -> ProvenanceTree {
        let report = try self.report(for: run)
        var root = ProvenanceTree(
            kind: "run", name: "\(run) \(report.job), \(report.status.rawValue), \(report.startedAt)")
        root.children = report.outputs.map {
            ProvenanceTree(kind: "output", name: $0.path, digest: $0.digest.description)
        }
        root.children.append(source(report.source))
        var image = ProvenanceTree(kind: "image", name: report.job, digest: report.image.description)
        if let build = try ledger.imageStatement(for: report.image) {
            image.children = ["base", "Dockerfile", "lock.json"].compactMap { name in
                build.dependency(name).map { ProvenanceTree(kind: "part", name: name, digest: $0.description) }
            }
        }
        root.children.append(image)
        for (name, input) in report.inputs.sorted(by: { $0.key < $1.key }) {
            var node = ProvenanceTree(kind: "input", name: name, digest: input.digest.description)
            let makers = try trace(input.digest.description).finds.filter { $0.relation == "made" }.compactMap(\.run)
            // An output that a run read itself is no circle of runs, but a log cannot rule one out.
            if let maker = makers.last, maker != run, !above.contains(maker) {
                node.children = [try provenance(of: maker, above: above.union([run]))]
            }
            root.children.append(node)
        }
        for entry in try ledger.entries(for: run) where entry.kind == .replay(of: run) {
            let details = entry.statement?.predicate["configuration"]?.array?.first?["annotations"]
            let verdict = details?["verdict"]?.string ?? "unknown"
            root.children.append(ProvenanceTree(kind: "replay", name: "\(verdict), entry \(entry.leafIndex)"))
        }
        return root
    }

    private func source(_ snapshot: SourceSnapshot) -> ProvenanceTree {
        let place = [snapshot.origin, snapshot.subdirectory.isEmpty ? nil : snapshot.subdirectory].compactMap { $0 }
        var node = ProvenanceTree(
            kind: "source", name: place.joined(separator: " ") + (snapshot.dirty ? " with uncommitted changes" : ""),
            digest: snapshot.layer.description)
        node.children = [
            ProvenanceTree(kind: "commit", name: snapshot.revision, digest: snapshot.commit.hex),
            ProvenanceTree(kind: "tree", name: snapshot.subdirectory, digest: snapshot.tree.hex),
        ]
        return node
    }
}
