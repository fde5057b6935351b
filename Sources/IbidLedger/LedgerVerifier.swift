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
        let rows = try Row.fetchCursor(db, sql: StoredEntry.query)
        let artifacts = try ArtifactReader(db)
        var batch: [StoredEntry] = []
        var problem: VerificationProblem?
        // In batches, so that a million entries take no memory.
        repeat {
            batch.removeAll(keepingCapacity: true)
            do {
                while batch.count < 512, let row = try rows.next() {
                    let (entry, expected) = (StoredEntry(row), range.size + Int64(batch.count))
                    guard entry.index == expected else {
                        problem = .init(
                            what: "the entry after \(expected - 1)", got: "\(entry.index)", want: "\(expected)")
                        break
                    }
                    batch.append(entry)
                }
            } catch let error as DatabaseError {
                let what = "the entries from \(range.size + Int64(batch.count)) on"
                problem = .init(what: what, got: error.message ?? "not readable", want: "readable")
            }
            for entry in CheckedEntry.check(batch, identity: identity, options: options) { verify(entry, artifacts) }
        } while !batch.isEmpty && problem == nil
        if let problem {
            unread = true
            report.problems.append(problem)
        }
    }

    private mutating func verify(_ entry: CheckedEntry, _ artifacts: ArtifactReader) {
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
        range.append(entry.leafHash) { level, position, hash in
            if level.isMultiple(of: 8) { nodes[MerkleNode(level: level, index: position)] = hash }
        }
        checkpoints.verify(entry, range: range, origin: identity?.origin, into: &report)
        verifyIndex(entry, artifacts, name)
    }

    private mutating func verifyIndex(_ entry: CheckedEntry, _ artifacts: ArtifactReader, _ name: String) {
        let (facts, stored) = (entry.facts, entry.stored)
        var opens = false
        if let run = facts.run, [.intent, .run, .imported].contains(facts.kind) {
            opens = openedRuns.insert(run).inserted
        }
        // A damaged statement must not make its run's next entry look wrong as well.
        if facts.run == nil, let run = stored.event[1].flatMap({ RunID($0) }) { openedRuns.insert(run) }
        let expected = [facts.kind.rawValue, facts.run?.text, facts.image?.hex, facts.startedAt, facts.finishedAt]
        if stored.event != expected || stored.opens != (opens ? 1 : 0) {
            report.add("the index of \(name)", got: "not what its statement says", want: "what its statement says")
        }
        if (try? artifacts.next(stored.index)) != facts.artifacts {
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
