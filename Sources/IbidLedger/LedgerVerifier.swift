import Dispatch
import Glibc
import IbidCrypto
import IbidMerkle
import IbidModel

/// Recomputes a ledger from its bytes: payload → signature → leaf → hash → root → signed checkpoint. What is stored of
/// these is compared, never believed.
struct LedgerVerifier {
    let db: Database
    let pinned: PinnedKeys
    let options: VerifyOptions
    let held: HeldReceipt?
    /// The one that is held, when it is of this ledger.
    var receipt: VerificationReceipt?
    var report = VerificationReport()
    var identity: LedgerIdentity?
    var range = CompactRange()
    private var nodes: [MerkleNode: MerkleHash] = [:]
    var checkpoints = CheckpointTally()
    private var openedRuns: Set<RunKey> = []
    private var indices = IndexFingerprints()
    private var terms = TermSums()
    var signatures: SignatureScope
    private var version: Int64 = 0
    var unread = false
    var receiptFits = false
    /// Whether tables, indices and views are the ledger's; otherwise nothing was asked of them.
    private(set) var isLedger = false

    /// - Parameter held: the receipt of what was verified before.
    init(_ db: Database, pinned: PinnedKeys, options: VerifyOptions, held: HeldReceipt? = nil) {
        self.db = db
        self.pinned = pinned
        self.options = options
        self.held = held
        signatures = SignatureScope(options, identity: nil, receipt: nil)
    }

    /// Whether signatures were left out because of the receipt.
    var reliesOnReceipt: Bool { options.verified == nil && signatures.first > 0 }

    /// Runs every check; SQLite's own complaints become problems.
    mutating func run() -> VerificationReport {
        attempt("the tables") { try $0.verifySchema() }
        guard isLedger else {
            report.notProved.append(
                "anything of its entries: they were not looked at, since the tables are not a ledger's")
            return report
        }
        attempt("the identity of the ledger") { try $0.verifyIdentity() }
        if options.verified == nil { attempt("the file's structure") { try $0.verifyStructure() } }
        attempt("the entries") { try $0.verifyEntries() }
        attempt("the checkpoints") { try $0.verifyCheckpoints() }
        attempt("the index of the ledger") { try $0.verifyProjections() }
        attempt("the older checkpoints") { try $0.verifyOutside() }
        verifyReceipt()
        conclude()
        return report
    }

    private mutating func attempt(_ what: String, _ check: (inout LedgerVerifier) throws -> Void) {
        do { try check(&self) } catch let error as DatabaseError {
            report.add(what, got: error.message, want: "readable")
        } catch let error as IbidError {
            report.add(what, got: error.message, want: "well formed")
        } catch {
            report.add(what, got: "\(error)", want: "readable")
        }
    }

    private mutating func verifySchema() throws {
        let (application, version) = (
            try db.integer("PRAGMA application_id"), try db.integer("PRAGMA user_version")
        )
        if application != Schema.applicationID {
            report.add("the file's application id", got: "\(application ?? 0)", want: "\(Schema.applicationID)")
        }
        self.version = version ?? 0
        if version != Schema.version, !Schema.formerVersions.contains(self.version) {
            report.add("the file's format version", got: "\(version ?? 0)", want: "\(Schema.version)")
        }
        let (found, expected) = (
            try Schema.definitions(db), try Schema.expectedDefinitions(version: version ?? 0)
        )
        // Triggers do nothing when one reads. A foreign view, check or index may do anything, and take for ever.
        isLedger = found.filter { !$0.key.hasPrefix("trigger ") } == expected.filter { !$0.key.hasPrefix("trigger ") }
        for name in Set(found.keys).union(expected.keys).sorted() where found[name] != expected[name] {
            report.add(
                "the definition of \(name)", got: found[name] == nil ? "missing" : "changed or foreign",
                want: expected[name] == nil ? "none" : "as Ibid made it")
        }
    }

    private mutating func verifyIdentity() throws {
        let identity = try LedgerIdentity(db)
        self.identity = identity
        if !pinned.accepts(identity.attestorKey) {
            report.add(
                "the key of the statements", got: identity.attestorKey.keyID,
                want: pinned.attestors.map(\.keyID).joined(separator: " or "))
        }
        if !pinned.accepts(identity.ledgerKey) {
            report.add("the key of the checkpoints", got: identity.ledgerKey.vkey, want: "the pinned key")
        }
        guard let held else { return }
        guard held.note.isSigned(by: identity.ledgerKey), held.receipt.origin == identity.origin else {
            return report.add(
                "the receipt of what was verified before, keys/ledger.verified",
                got: "of '\(held.receipt.origin)', or not signed by this ledger's key",
                want: "of '\(identity.origin)' and signed by its key: the ledger, its key or the receipt was replaced")
        }
        receipt = held.receipt
    }

    private mutating func verifyStructure() throws {
        // It ends at the first problem: after one it might go round in circles.
        for line in try Row.fetchAll(db, sql: "PRAGMA quick_check(1)").compactMap({ $0.text(0) }) where line != "ok" {
            report.add("the file's structure", got: line, want: "ok")
        }
    }

    // MARK: Entries

    private mutating func verifyEntries() throws {
        let reader = try EntryReader(db)
        signatures = SignatureScope(options, identity: identity, receipt: receipt)
        let checker = EntryChecker(identity, signatures: signatures)
        // In batches, so that a million entries take no memory: some are checked while the next are read.
        let width = 2 * max(1, min(16, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var (current, next) = ((0..<width).map { _ in EntryBatch() }, (0..<width).map { _ in EntryBatch() })
        current.forEach(reader.fill)
        while current.contains(where: { !$0.rows.isEmpty || $0.problem != nil }) {
            let (checked, filled) = (current, next)
            DispatchQueue.concurrentPerform(iterations: width + 1) { part in
                if part == 0 { filled.forEach(reader.fill) } else { checker.check(checked[part - 1]) }
            }
            for batch in current { take(batch, checker) }
            swap(&current, &next)
        }
        indices = reader.fingerprints
    }

    // In order: what an entry's neighbours say of it.
    private mutating func take(_ batch: EntryBatch, _ checker: EntryChecker) {
        for number in batch.rows.indices {
            compareReceipt()
            let (row, verdict) = (batch.rows[number], batch.verdicts[number])
            range.append(verdict.leafHash) { level, position, hash in
                if level.isMultiple(of: 8) { nodes[MerkleNode(level: level, index: position)] = hash }
            }
            terms.expect(verdict.terms)
            let opens = verdict.opens.map { openedRuns.insert($0).inserted } ?? false
            if verdict.isSound, row.opens == (opens ? 1 : 0),
                !verdict.hasCheckpoint
                    || checkpoints.accept(
                        root: UnsafeRawBufferPointer(rebasing: batch.bytes[row.root.range]),
                        note: UnsafeRawBufferPointer(rebasing: batch.bytes[row.note.range]), range: range)
            {
                continue
            }
            report(batch.closer[number] ?? checker.closer(batch, number), opens: opens)
        }
        if let problem = batch.problem {
            unread = true
            report.problems.append(problem)
        }
    }

    private mutating func report(_ entry: CheckedEntry, opens: Bool) {
        let stored = entry.stored
        let run = entry.facts.run ?? stored.event[1].flatMap { RunID($0) }
        let name = "entry \(stored.index)" + (run.map { " (run \($0))" } ?? "")
        if stored.leafHash != entry.leafHash.bytes {
            report.add(
                "the leaf of \(name)", got: "hash \(entry.leafHash)",
                want: stored.leafHash.map { Hex.encode($0) } ?? "none")
        }
        if let envelope = stored.envelope {
            if !entry.isLeafOfStatement {
                report.add(name, got: "a leaf that is not its statement's", want: "the leaf of its statement")
            }
            if let key = identity?.attestorKey, envelope.keyID != key.keyID {
                report.add("the signer of \(name)", got: envelope.keyID, want: key.keyID)
            } else if !entry.isSigned {
                report.add("the signature of \(name)", got: "not valid for its statement", want: "valid")
            }
            if envelope.payloadType != Statement.payloadType || !entry.isCanonical {
                report.add("the statement of \(name)", got: "not an in-toto statement in canonical form", want: "one")
            }
        } else {
            report.add("the statement of \(name)", got: "missing or incomplete", want: "there")
        }
        checkpoints.verify(entry, range: range, origin: identity?.origin, into: &report)
        // A damaged statement must not make its run's next entry look wrong as well.
        if entry.facts.run == nil, let run = run.flatMap({ RunKey($0) }) { openedRuns.insert(run) }
        if !entry.isIndexed || stored.opens != (opens ? 1 : 0) {
            report.add("the index of \(name)", got: "not what its statement says", want: "what its statement says")
        }
    }

    // MARK: The rest

    private mutating func verifyCheckpoints() throws {
        guard !unread else { return }
        compareReceipt()
        let size = range.size
        let last = try db.integer("SELECT max(tree_size) FROM checkpoints") ?? 0
        if last > size {
            report.add("the entries", got: "\(size)", want: "\(last), over which the newest checkpoint is")
        } else if last < size {
            report.add("the newest checkpoint", got: "over \(last) entries", want: "over all \(size)")
        }
        checkpoints.finish(into: &report)
        for table in ["statements", "events"] {
            let orphans = try db.integer(
                "SELECT count(*) FROM \(table) WHERE leaf_index NOT BETWEEN 0 AND ?", [size - 1])
            if let orphans, orphans > 0 {
                report.add("table \(table)", got: "\(orphans) rows without entry", want: "none")
            }
        }
        // Entries were read one after another; whoever asks for one finds it by the inner pages of their tree.
        let lost = try db.integer(
            "SELECT count(*) FROM events LEFT JOIN entries USING (leaf_index) WHERE leaf_hash IS NULL")
        if let lost, lost > 0 { report.add("the entries", got: "\(lost) that are not found", want: "each found") }
    }

    private mutating func verifyProjections() throws {
        guard !unread else { return }
        let frontier = try Row.fetchOne(db, sql: "SELECT tree_size, hashes FROM frontier WHERE id = 1")
        if range.size > 0 || frontier != nil,
            frontier?.integer(0) != range.size || frontier?.bytes(1) != range.hashes.flatMap(\.bytes)
        {
            report.add("the cached end of the tree", got: "not that of the entries", want: "that of the entries")
        }
        var found: [MerkleNode: MerkleHash] = [:]
        let rows = try Row.fetchCursor(db, sql: "SELECT level, position, hash FROM nodes")
        while let row = try rows.next() {
            // More rows than nodes are too many already, and might go on for ever.
            guard found.count <= nodes.count, let level = row.integer(0), let index = row.integer(1),
                let hash = MerkleHash(row.bytes(2) ?? [])
            else { break }
            found[MerkleNode(level: Int(truncatingIfNeeded: level), index: index)] = hash
        }
        if found != nodes {
            report.add("the cached nodes of the tree", got: "not those of the entries", want: "those of the entries")
        }
        try verifyTerms()
        // Runs are found through indices of SQLite, which only this compares with their tables.
        let walked = try IndexFingerprints(walking: db)
        for (name, index) in [
            ("runs", \IndexFingerprints.eventsByRun), ("images", \.eventsByImage), ("first entries", \.eventsOpening),
        ] where walked?[keyPath: index] != indices[keyPath: index] {
            report.add("the SQLite index of \(name)", got: "not that of its table", want: "that of its table")
        }
    }

    // Files, jobs, commits, statuses and tags are found by their terms.
    private mutating func verifyTerms() throws {
        guard version == Schema.version else {
            return report.notProved.append(
                "what its tables of version \(version) say of files: Ibid makes them again before it asks them")
        }
        if try !terms.readParts(db) {
            report.add("the table of the terms' parts", got: "not one part after another", want: "as the entries are")
        }
        try terms.walk(db)
        let found = terms.found
        if terms.covered < range.size {
            report.notProved.append(
                "anything of the terms of the newest \(range.size - terms.covered) entries: they are not written yet; "
                    + "whoever asks for them through Ibid has them written first")
        }
        if !found.isOrdered { report.add("the table of terms", got: "not in order", want: "in order") }
        if found.foreign > 0 {
            report.add("the table of terms", got: "\(found.foreign) rows without entry in their part", want: "none")
        }
        for index in found.wrong.prefix(20) {
            let payload = try Row.fetchOne(
                db, sql: "SELECT CAST(payload AS BLOB) FROM statements WHERE leaf_index = ?", arguments: [index])
            let run = StatementFacts(reading: payload?.bytes(0) ?? []).run
            report.add(
                "the terms of entry \(index)" + (run.map { " (run \($0))" } ?? ""), got: "not what its statement says",
                want: "what its statement says")
        }
        if found.wrong.count > 20 {
            report.add(
                "the terms of \(found.wrong.count - 20) more entries", got: "not what their statements say",
                want: "what their statements say")
        }
    }

    private mutating func verifyOutside() throws {
        guard !unread, let identity else { return }
        for note in options.since + (options.verified.map { [$0] } ?? []) {
            let old = try Checkpoint(text: note.text)
            let what = "the older checkpoint over \(old.size) entries"
            guard note.isSigned(by: identity.ledgerKey), old.origin == identity.origin else {
                report.add(what, got: "of '\(old.origin)' or of another key", want: "signed by this ledger's key")
                continue
            }
            guard old.size <= range.size else {
                report.add("the entries", got: "\(range.size)", want: "at least \(old.size), as in \(what)")
                continue
            }
            let tree = NodeCache.tree(db, size: range.size)
            if try tree.root(of: old.size) == old.root {
                report.proved.append(
                    "the first \(old.size) entries are those of the checkpoint that was kept elsewhere")
            } else {
                report.add("the first \(old.size) entries", got: "not those of \(what)", want: "the same entries")
            }
        }
    }
}
