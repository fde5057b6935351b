import IbidLedger
public import IbidModel
import IbidStore
public import SystemPackage

extension Engine {
    /// The run that a user's text names: an id, a unique prefix, or `@last`.
    ///
    /// - Throws: `run-not-found` or `run-ambiguous`.
    public func resolve(_ text: String) throws -> RunID { try ledger.resolve(text) }

    /// One recorded run.
    public func report(for run: RunID) throws -> RunReport {
        // The outcome if there is one; a run without one is told from its intent.
        guard
            let entry = try outcomeIfAny(of: run)
                ?? ledger.entries(for: run).first(where: { $0.kind == .intent(run) })
        else { throw IbidError.runNotFound(run.text) }
        return try RunReport(
            statement: try entry.readStatement(), ledger: LedgerReference(try ledger.position(of: entry.leafIndex)),
            store: store)
    }

    /// The entry that says how a run ended.
    ///
    /// - Throws: `run-not-found`, or `run-unfinished` when there is none yet.
    func outcome(of run: RunID) throws -> LedgerEntry {
        guard let outcome = try outcomeIfAny(of: run) else { throw IbidError.runUnfinished(run) }
        return outcome
    }

    /// The same; nil when there is none yet. Of a run that was taken in, it is the outcome in the record that came with
    /// it, at the index of the entry that says so.
    func outcomeIfAny(of run: RunID) throws -> LedgerEntry? {
        let entries = try ledger.entries(for: run)
        if let outcome = entries.last(where: { $0.kind == .run(run) }) { return outcome }
        guard let imported = entries.first(where: { $0.kind == .imported(run) }),
            let digest = try imported.readStatement().subjects.first?.digest
        else { return nil }
        let record = try AuditRecord(decoding: try store.read(digest))
        guard let outcome = record.entries.last(where: { $0.role == .outcome }) else { return nil }
        return LedgerEntry(leafIndex: imported.leafIndex, leaf: imported.leaf, envelope: outcome.envelope)
    }

    /// Recorded runs that a query asks for, newest first.
    ///
    /// - Parameter limit: how many at most; nil for all.
    public func runs(matching query: RunFilter = RunFilter(), limit: Int?) throws -> [RunReport] {
        try ledger.runs(matching: query, limit: limit).map { try report(for: $0.run) }
    }

    /// The bytes of a blob that a run names.
    public func bytes(of digest: Digest) throws -> [UInt8] { try store.read(digest) }

    /// Writes a run's outputs into a directory, which is made when it is missing and must otherwise be empty.
    ///
    /// A link is made as a link; nothing is ever written through one.
    ///
    /// - Returns: the paths written, relative to the directory.
    public func writeOutputs(of report: RunReport, to directory: FilePath) throws -> [String] {
        let directory = Home(directory).root
        try makeDirectories(directory)
        guard try names(in: directory).isEmpty else {
            throw IbidError(
                "directory-not-empty", "\(directory) is not empty",
                hint: "name a directory that does not exist, so that nothing is overwritten")
        }
        return try report.outputs.map { output in
            try OutputWriter(store: store, root: directory).write(output)
            return output.path
        }
    }
}

extension LedgerReference {
    init(_ position: LedgerPosition) {
        self.init(leafIndex: position.leafIndex, treeSize: position.treeSize, rootHash: position.rootHash)
    }
}

extension LedgerEntry {
    func readStatement() throws -> Statement {
        guard let statement else { throw IbidError.malformedStatement(leafIndex) }
        return statement
    }
}
