import GRDB
import IbidCrypto
import IbidMerkle
import IbidModel
import struct IbidModel.Statement

/// Recomputes a ledger from its bytes: payload → signature → leaf → hash → root → signed checkpoint. What is stored of
/// these is compared, never believed.
struct LedgerVerifier {
    private let db: Database
    private let pinned: PinnedKeys
    private let options: VerifyOptions
    private(set) var report = VerificationReport()
    private var identity: LedgerIdentity?
    private var range = CompactRange()
    private var nodes: [MerkleNode: MerkleHash] = [:]
    private var checkpoints = CheckpointTally()
    private var openedRuns: Set<RunID> = []
    private var unread = false

    init(_ db: Database, pinned: PinnedKeys, options: VerifyOptions) {
        self.db = db
        self.pinned = pinned
        self.options = options
    }

    /// Runs every check; SQLite's own complaints become problems.
    mutating func run() -> VerificationReport {
        attempt("the tables") { try $0.verifySchema() }
        attempt("the identity of the ledger") { try $0.verifyIdentity() }
        attempt("the file's structure") { try $0.verifyStructure() }
        attempt("the entries") { try $0.verifyEntries() }
        attempt("the checkpoints") { try $0.verifyCheckpoints() }
        attempt("the index of the ledger") { try $0.verifyProjections() }
        attempt("the older checkpoints") { try $0.verifyOutside() }
        conclude()
        return report
    }

    private mutating func attempt(_ what: String, _ check: (inout LedgerVerifier) throws -> Void) {
        do { try check(&self) } catch let error as DatabaseError {
            report.add(what, got: error.message ?? "SQLite error \(error.resultCode.rawValue)", want: "readable")
        } catch let error as IbidError {
            report.add(what, got: error.message, want: "well formed")
        } catch {
            report.add(what, got: "\(error)", want: "readable")
        }
    }

    private mutating func verifySchema() throws {
        let (application, version) = (
            try Int32.fetchOne(db, sql: "PRAGMA application_id"), try Int32.fetchOne(db, sql: "PRAGMA user_version")
        )
        if application != Schema.applicationID {
            report.add("the file's application id", got: "\(application ?? 0)", want: "\(Schema.applicationID)")
        }
        if version != Schema.version {
            report.add("the file's format version", got: "\(version ?? 0)", want: "\(Schema.version)")
        }
        let (found, expected) = (try Schema.definitions(db), try Schema.expectedDefinitions())
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
    }

    private mutating func verifyStructure() throws {
        for line in try String.fetchAll(db, sql: "PRAGMA quick_check(10)") where line != "ok" {
            report.add("the file's structure", got: line, want: "ok")
        }
    }

    // MARK: Entries

    private mutating func verifyEntries() throws {
        // Rows by index, everything of one entry side by side, so that a million entries take no memory.
        let rows = try Row.fetchCursor(
            db,
            sql: """
                SELECT entries.leaf_index, leaf, leaf_hash, payload_type, CAST(payload AS BLOB), key_id, signature,
                    root_hash, note, kind, run_id, image, started_at, finished_at, opens
                FROM entries LEFT JOIN statements USING (leaf_index) LEFT JOIN events USING (leaf_index)
                LEFT JOIN checkpoints ON tree_size = entries.leaf_index + 1
                ORDER BY entries.leaf_index
                """)
        let artifacts = try ArtifactReader(db)
        while true {
            let row: Row?
            do { row = try rows.next() } catch let error as DatabaseError {
                unread = true
                report.add(
                    "the entries from \(range.size) on", got: error.message ?? "not readable", want: "readable")
                return
            }
            guard let row else { return }
            let index = row.integer(0) ?? -1
            guard index == range.size else {
                report.add("the entry after \(range.size - 1)", got: "\(index)", want: "\(range.size)")
                unread = true
                return
            }
            verifyEntry(index, row, artifacts)
        }
    }

    private mutating func verifyEntry(_ index: Int64, _ row: Row, _ artifacts: ArtifactReader) {
        let payload = row.bytes(4) ?? []
        let json = try? CanonicalJSON.parse(payload)
        let facts = StatementFacts(payload: json)
        let run = facts.run ?? row.text(10).flatMap { RunID($0) }
        let name = "entry \(index)" + (run.map { " (run \($0))" } ?? "")
        let leaf = row.bytes(1) ?? []
        let hash = MerkleHash.leaf(leaf)
        if row.bytes(2) != hash.bytes {
            report.add("the leaf of \(name)", got: "hash \(hash)", want: row.bytes(2).map(Hex.encode) ?? "none")
        }
        if let type = row.text(3), let keyID = row.text(5), let signature = row.bytes(6), row.bytes(4) != nil {
            let envelope = Envelope(payloadType: type, payload: payload, keyID: keyID, signature: signature)
            verify(envelope, leaf: leaf, json: json, name)
        } else {
            report.add("the statement of \(name)", got: "missing", want: "there")
        }
        range.append(hash) { level, position, hash in
            if level.isMultiple(of: 8) { nodes[MerkleNode(level: level, index: position)] = hash }
        }
        if row.bytes(7) != nil || row.text(8) != nil {
            checkpoints.verify(
                root: row.bytes(7), note: row.text(8), range: range, identity: identity,
                signatures: options.checkpointSignatures, into: &report)
        }
        verifyIndex(facts, row, artifacts, name)
    }

    private mutating func verify(_ envelope: Envelope, leaf: [UInt8], json: JSONValue?, _ name: String) {
        guard let key = identity?.attestorKey else { return }
        if leaf != Leaf.bytes(of: envelope, key: key) {
            report.add("\(name)", got: "a leaf that is not its statement's", want: "the leaf of its statement")
        }
        if envelope.keyID != key.keyID {
            report.add("the signer of \(name)", got: envelope.keyID, want: key.keyID)
        } else if options.statementSignatures, !key.isValid(envelope.signature, for: envelope.preAuthentication) {
            report.add("the signature of \(name)", got: "not valid for its statement", want: "valid")
        }
        guard let json, let statement = Statement(json: json), envelope.payloadType == Statement.payloadType else {
            report.add("the statement of \(name)", got: "not an in-toto statement", want: "one")
            return
        }
        if statement.canonicalBytes != envelope.payload {
            report.add("the statement of \(name)", got: "not in canonical form", want: "RFC 8785 bytes")
        }
    }

    private mutating func verifyIndex(_ facts: StatementFacts, _ row: Row, _ artifacts: ArtifactReader, _ name: String)
    {
        var opens = false
        if let run = facts.run, facts.kind == .intent || facts.kind == .run { opens = openedRuns.insert(run).inserted }
        // A damaged statement must not make its run's next entry look wrong as well.
        if facts.run == nil, let run = row.text(10).flatMap({ RunID($0) }) { openedRuns.insert(run) }
        let found: [String?] = (9...13).map { row.text($0) }
        let expected = [facts.kind.rawValue, facts.run?.text, facts.image?.hex, facts.startedAt, facts.finishedAt]
        if found != expected || row.integer(14) != (opens ? 1 : 0) {
            report.add("the index of \(name)", got: "not what its statement says", want: "what its statement says")
        }
        if (try? artifacts.next(row.integer(0) ?? -1)) != facts.artifacts {
            report.add("the artifacts of \(name)", got: "not what its statement says", want: "what its statement says")
        }
    }

    // MARK: The rest

    private mutating func verifyCheckpoints() throws {
        guard !unread else { return }
        let size = range.size
        let last = try Int64.fetchOne(db, sql: "SELECT max(tree_size) FROM checkpoints") ?? 0
        if last > size {
            report.add("the entries", got: "\(size)", want: "\(last), over which the newest checkpoint is")
        } else if last < size {
            report.add("the newest checkpoint", got: "over \(last) entries", want: "over all \(size)")
        }
        checkpoints.finish(into: &report)
        for table in ["statements", "events", "artifacts"] {
            let orphans = try Int64.fetchOne(
                db, sql: "SELECT count(*) FROM \(table) WHERE leaf_index NOT BETWEEN 0 AND ?", arguments: [size - 1])
            if let orphans, orphans > 0 {
                report.add("table \(table)", got: "\(orphans) rows without entry", want: "none")
            }
        }
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
            guard let level = row.integer(0), let index = row.integer(1), let hash = MerkleHash(row.bytes(2) ?? [])
            else { continue }
            found[MerkleNode(level: Int(truncatingIfNeeded: level), index: index)] = hash
        }
        if found != nodes {
            report.add("the cached nodes of the tree", got: "not those of the entries", want: "those of the entries")
        }
        // The list of runs is read through indices of SQLite, which only this compares with their tables.
        for line in try String.fetchAll(db, sql: "PRAGMA integrity_check(events)") where line != "ok" {
            report.add("the index of events", got: line, want: "ok")
        }
    }

    private mutating func verifyOutside() throws {
        guard !unread, let identity else { return }
        for note in options.since {
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

    private mutating func conclude() {
        guard let identity else { return }
        if report.ok {
            report.proved += [
                "\(range.size) entries are dense, and each is the leaf of its statement",
                "each of \(checkpoints.count) checkpoints over them has the root that their bytes give",
                "the newest is over all of them: root sha256:\(range.root), log '\(identity.origin)'",
                "the index agrees with the statements",
            ]
            if options.statementSignatures {
                report.proved.append("each statement is signed by \(identity.attestorKey.keyID)")
            }
            if options.checkpointSignatures {
                report.proved.append("each checkpoint is signed by \(identity.ledgerKey.vkey)")
            }
        }
        report.notProved += NotProved.sentences(pinned: pinned, outside: !options.since.isEmpty)
        if !options.statementSignatures {
            report.notProved.append("that the statements' signatures are valid: not asked for")
        }
    }
}
