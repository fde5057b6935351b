import IbidCrypto
public import IbidMerkle
public import IbidModel
import SystemPackage

extension Ledger {
    /// Signs a statement and appends it.
    ///
    /// When this returns, the entry and the checkpoint over it are on the disk. A crash before that leaves the ledger
    /// as it was, or with the whole entry.
    ///
    /// - Throws: `key-lost`, `key-mismatch`, `ledger-damaged`, `ledger-rolled-back`, `system`.
    @discardableResult
    public func append(_ statement: Statement) throws -> LedgerPosition { try append([statement])[0] }

    /// Signs statements and appends them together, in order, under one checkpoint: all or none.
    ///
    /// - Parameter outside: checkpoints of this ledger that somebody else holds. When one of them is over more entries
    ///   than the ledger has, the ledger is an older copy, and nothing is appended.
    /// - Throws: as `append(_:)`.
    @discardableResult
    public func append(_ statements: [Statement], outside: [SignedNote] = []) throws -> [LedgerPosition] {
        guard let keysDirectory else { throw IbidError.system("append to", path.string, "it was opened for reading") }
        guard !statements.isEmpty else { return [] }
        let attestor = try signer(keysDirectory).keys.attestor
        // An envelope does not depend on its place, so the slow signature is made before the lock is taken.
        return try append(signed: try statements.map { try Envelope(signing: $0, key: attestor) }, outside: outside)
    }

    /// Appends envelopes that the ledger's attestor has signed.
    @discardableResult
    func append(signed envelopes: [Envelope], outside: [SignedNote]) throws -> [LedgerPosition] {
        guard let writer, let keysDirectory else {
            throw IbidError.system("append to", path.string, "it was opened for reading")
        }
        guard !envelopes.isEmpty else { return [] }
        let signer = try signer(keysDirectory)
        let entries = envelopes.map { envelope in
            NewEntry(
                envelope: envelope, leaf: Leaf.bytes(of: envelope, key: signer.keys.attestor.publicKey),
                facts: StatementFacts(reading: envelope.payload))
        }
        do {
            // Who waits for SQLite's own lock looks less and less often, and among many processes may never get it.
            let (range, note) = try FileLock.holding(FilePath(path.string + ".lock")) {
                try LedgerDatabase.translating(path) {
                    try writer.writeWithoutTransaction { db in try insert(entries, signer, outside, db) }
                }
            }
            // Released only now: a crash before the commit took the checkpoint with it, so no two checkpoints over
            // the same size are ever seen by anyone.
            try ReleasedCheckpoint.write(note, in: keysDirectory)
            lastReleased = note
            let root = note.checkpoint.root.digest
            return (range.size - Int64(entries.count)..<range.size).map {
                LedgerPosition(leafIndex: $0, treeSize: range.size, rootHash: root)
            }
        } catch let error as LedgerHeadError {
            throw IbidError.ledgerDamaged(path, error.reason)
        }
    }

    private func insert(
        _ entries: [NewEntry], _ signer: LedgerSigner, _ outside: [SignedNote], _ db: Database
    ) throws -> (CompactRange, KnownCheckpoint) {
        let identity = signer.identity
        // Immediate: of two processes the second waits here, before it has read the head that the first one changes.
        return try db.inTransaction(.immediate) {
            var range = try LedgerHead.frontier(db, key: identity.ledgerKey, known: lastReleased)
            try refuseRollback(size: range.size, identity, outside)
            for entry in entries {
                try entry.insert(at: range.size, into: db)
                try range.append(.leaf(entry.leaf)) { level, index, hash in
                    if level.isMultiple(of: 8) { try NodeCache.insert(hash, level: level, index: index, into: db) }
                }
            }
            try LedgerHead.store(range, in: db)
            let checkpoint = Checkpoint(origin: identity.origin, size: range.size, root: range.root)
            let note = try SignedNote(text: checkpoint.text, key: signer.keys.ledger, name: identity.ledgerKey.name)
            let released = KnownCheckpoint(text: note.description, checkpoint: checkpoint)
            try db.cachedStatement(sql: "INSERT INTO checkpoints VALUES (?, ?, ?)")
                .execute(arguments: [range.size, checkpoint.root.bytes, released.text])
            try TermIndex.follow(range.size - Int64(entries.count)..<range.size, db)
            return (range, released)
        }
    }

    // An older copy of the file would sign a second history over the same indices.
    private func refuseRollback(size: Int64, _ identity: LedgerIdentity, _ outside: [SignedNote]) throws {
        // A damaged file says nothing; it is written anew after this append, and until then `verify` tells of it.
        if let keysDirectory, let released = try? ReleasedCheckpoint.read(in: keysDirectory, known: lastReleased),
            released.origin == identity.origin, released.size > size
        {
            let place = ReleasedCheckpoint.path(in: keysDirectory).string
            throw IbidError.ledgerRolledBack(path, size: size, released: released.size, where: place)
        }
        let anchored: [(place: FilePath, note: SignedNote)]
        do { anchored = try keysDirectory.map { try Anchors(keys: $0).notes() } ?? [] } catch let error as IbidError {
            throw IbidError(
                "anchor-damaged", "a checkpoint of this ledger that is kept elsewhere cannot be read: \(error.message)",
                hint: "see keys/anchors/places; restore the file, or take its line out", exit: .verificationFailed)
        }
        for (place, note) in anchored where note.isSigned(by: identity.ledgerKey) {
            let checkpoint = try Checkpoint(text: note.text)
            if checkpoint.origin == identity.origin, checkpoint.size > size {
                throw IbidError.ledgerRolledBack(path, size: size, released: checkpoint.size, where: place.string)
            }
        }
        for note in outside where note.isSigned(by: identity.ledgerKey) {
            let checkpoint = try Checkpoint(text: note.text)
            guard checkpoint.size <= size else {
                throw IbidError.ledgerRolledBack(
                    path, size: size, released: checkpoint.size, where: "held outside this home")
            }
        }
    }
}

/// What an append inserts for one statement.
private struct NewEntry {
    var envelope: Envelope
    var leaf: [UInt8]
    var facts: StatementFacts

    func insert(at index: Int64, into db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO entries VALUES (?, ?, ?)")
            .execute(arguments: [index, leaf, MerkleHash.leaf(leaf).bytes])
        try db.cachedStatement(sql: "INSERT INTO statements VALUES (?, ?, ?, ?, ?)")
            .execute(arguments: [
                index, envelope.payloadType, String(decoding: envelope.payload, as: UTF8.self), envelope.keyID,
                envelope.signature,
            ])
        try Projection.insert(facts, at: index, into: db)
    }
}
