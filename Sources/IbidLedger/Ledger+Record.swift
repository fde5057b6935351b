import IbidMerkle
public import IbidModel

extension Ledger {
    /// The audit record of a run: its entries, proved against the newest checkpoint.
    ///
    /// - Parameter documents: documents that the statements name by digest, to enclose (spec, result, …).
    /// - Throws: `run-not-found`, `ledger-damaged`.
    public func record(for run: RunID, documents: [Digest: [UInt8]] = [:]) throws -> AuditRecord {
        // One read transaction, so that entries, nodes and checkpoint are of one moment.
        try proving { db in try Self.record(for: run, documents: documents, db) }
    }

    static func record(for run: RunID, documents: [Digest: [UInt8]], _ db: Database) throws -> AuditRecord {
        let identity = try LedgerIdentity(db)
        let (note, checkpoint) = try Self.head(db)
        let entries = try Self.indices(of: run, db).compactMap { index -> AuditRecord.Entry? in
            let entry = try Self.entry(index, db)
            // What somebody said of the run afterwards is no part of its record.
            if case .note = entry.kind { return nil }
            if case .imported = entry.kind { return nil }
            guard let role = AuditRecord.Role(entry.kind) else {
                throw LedgerHeadError("its index names entry \(index) for run \(run), which is not of that run")
            }
            let proof = try Self.proof(of: index, note, checkpoint, db)
            return AuditRecord.Entry(
                role: role, leafIndex: index, leaf: entry.leaf, path: proof.path, envelope: entry.envelope)
        }
        return AuditRecord(
            run: run, entries: entries, checkpoint: note, attestorKey: identity.attestorKey,
            ledgerKey: identity.ledgerKey,
            documents: documents)
    }
}

extension AuditRecord.Role {
    init?(_ kind: LedgerEntry.Kind) {
        switch kind {
        case .intent: self = .intent
        case .run: self = .outcome
        case .image: self = .image
        case .replay: self = .replay
        case .imported, .note, .other: return nil
        }
    }
}
