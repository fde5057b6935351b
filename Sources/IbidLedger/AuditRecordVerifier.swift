import IbidCrypto
import IbidMerkle
import IbidModel

/// Checks an audit record from its bytes alone.
struct AuditRecordVerifier {
    private let record: AuditRecord
    private let pinned: PinnedKeys
    private(set) var report = VerificationReport()

    init(_ record: AuditRecord, pinned: PinnedKeys) {
        self.record = record
        self.pinned = pinned
    }

    mutating func run() {
        verifyKeys()
        let checkpoint = verifyCheckpoint()
        for entry in record.entries { verify(entry, in: checkpoint) }
        verifyEntriesTogether()
        verifyDocuments()
        var agreement = RecordAgreement(record)
        agreement.check()
        report.problems += agreement.problems
        guard report.ok, let checkpoint else { return }
        conclude(checkpoint)
    }

    private mutating func verifyKeys() {
        if !pinned.accepts(record.attestorKey) {
            report.add(
                "the key of the statements", got: record.attestorKey.keyID,
                want: pinned.attestors.map(\.keyID).joined(separator: " or "))
        }
        if !pinned.accepts(record.ledgerKey) {
            report.add("the key of the checkpoint", got: record.ledgerKey.vkey, want: "the pinned key")
        }
    }

    private mutating func verifyCheckpoint() -> Checkpoint? {
        guard let checkpoint = try? Checkpoint(text: record.checkpoint.text), checkpoint.size > 0 else {
            report.add("the checkpoint", got: "not a checkpoint", want: "one")
            return nil
        }
        if checkpoint.origin != record.ledgerKey.name.text {
            report.add("the checkpoint's log", got: checkpoint.origin, want: record.ledgerKey.name.text)
        }
        if !record.checkpoint.isSigned(by: record.ledgerKey) {
            report.add("the checkpoint's signature", got: "not valid", want: "valid for \(record.ledgerKey.vkey)")
        }
        return checkpoint
    }

    private mutating func verify(_ entry: AuditRecord.Entry, in checkpoint: Checkpoint?) {
        let name = "entry \(entry.leafIndex) (\(entry.role.rawValue))"
        if !entry.envelope.isSigned(by: record.attestorKey) {
            report.add("the signature of \(name)", got: "not valid", want: "valid for \(record.attestorKey.keyID)")
        }
        if entry.leaf != Leaf.bytes(of: entry.envelope, key: record.attestorKey) {
            report.add("the leaf of \(name)", got: "not that of its statement", want: "that of its statement")
        }
        if let checkpoint {
            // The size comes from what is signed: a root does not bind it.
            let proof = InclusionProof(leafIndex: entry.leafIndex, treeSize: checkpoint.size, path: entry.path)
            if !proof.isValid(leafHash: .leaf(entry.leaf), root: checkpoint.root) {
                report.add("the proof of \(name)", got: "does not lead to the root", want: "root \(checkpoint.root)")
            }
        }
        guard let statement = entry.envelope.statement else {
            return report.add("the statement of \(name)", got: "not an in-toto statement", want: "one")
        }
        if statement.canonicalBytes != entry.envelope.payload {
            report.add("the statement of \(name)", got: "not in canonical form", want: "RFC 8785 bytes")
        }
        // By bytes: two spellings of one accented letter are two names.
        if Set(statement.subjects.map { Array($0.name.utf8) }).count != statement.subjects.count {
            report.add("the subjects of \(name)", got: "one name twice", want: "each once")
        }
    }

    private mutating func verifyEntriesTogether() {
        let indices = record.entries.map(\.leafIndex)
        if zip(indices, indices.dropFirst()).contains(where: { $0 >= $1 }) {
            report.add("the entries", got: "order \(indices)", want: "ascending, each once")
        }
        if record.entries.isEmpty { report.add("the entries", got: "none", want: "at least one") }
        let images = Set(record.entries.compactMap { runFacts($0)?.image })
        var roles: [AuditRecord.Role: Int] = [:]
        for entry in record.entries {
            roles[entry.role, default: 0] += 1
            let facts = StatementFacts(payload: try? CanonicalJSON.parse(entry.envelope.payload))
            let name = "entry \(entry.leafIndex)"
            if AuditRecord.Role(facts.entryKind) != entry.role {
                report.add(name, got: "said to be of role \(entry.role.rawValue)", want: "what its statement says")
            }
            if entry.role == .image {
                if !images.contains(where: { $0 == facts.image }) {
                    report.add(name, got: "about another image", want: "about the image of the run")
                }
            } else if facts.run != record.run {
                report.add(name, got: "about run \(facts.run?.text ?? "none")", want: "about run \(record.run)")
            }
        }
        for (role, count) in roles where count > 1 && role != .replay {
            report.add("the entries", got: "\(count) of role \(role.rawValue)", want: "one")
        }
        if roles[.intent] == nil && roles[.outcome] == nil {
            report.add("the entries", got: "neither intent nor outcome", want: "the run's own")
        }
        if let intent = record.entries.first(where: { $0.role == .intent }),
            let outcome = record.entries.first(where: { $0.role == .outcome }), intent.leafIndex > outcome.leafIndex
        {
            report.add("the intent", got: "after the outcome", want: "before it")
        }
    }

    private func runFacts(_ entry: AuditRecord.Entry) -> StatementFacts? {
        guard entry.role == .intent || entry.role == .outcome else { return nil }
        return StatementFacts(payload: try? CanonicalJSON.parse(entry.envelope.payload))
    }

    // Each document has to hash to its name, and to be named by a statement or by a document that is.
    private mutating func verifyDocuments() {
        var open = record.entries.compactMap { try? CanonicalJSON.parse($0.envelope.payload) }
        var named: Set<Digest> = []
        while let json = open.popLast() {
            for digest in json.digests where named.insert(digest).inserted {
                if let bytes = record.documents[digest], let inner = try? CanonicalJSON.parse(bytes) {
                    open.append(inner)
                }
            }
        }
        for (digest, bytes) in record.documents.sorted(by: { $0.key < $1.key }) {
            let computed = Digest.sha256(of: bytes)
            if computed != digest { report.add("document \(digest)", got: "\(computed)", want: "\(digest)") }
            if !named.contains(digest) {
                report.add("document \(digest)", got: "named by no statement", want: "named by one")
            }
        }
    }

    private mutating func conclude(_ checkpoint: Checkpoint) {
        let list = record.entries.map { "\($0.leafIndex) (\($0.role.rawValue))" }.joined(separator: ", ")
        report.proved += [
            "self-consistent: every signature, digest and proof in it agrees with the others",
            "\(record.entries.count) statements about run \(record.run) are signed by key \(record.attestorKey.keyID)",
            "they are entries \(list) of log '\(checkpoint.origin)'",
            "the log's checkpoint over \(checkpoint.size) entries is signed: root sha256:\(checkpoint.root)",
        ]
        if !record.documents.isEmpty {
            report.proved.append("\(record.documents.count) enclosed documents are those that the statements name")
        }
        if pinned.pinsAttestor { report.proved.append("pinned key: the statements' key is the pinned one") }
        if pinned.pinsLedger { report.proved.append("pinned key: the checkpoint's key is the pinned one") }
        for replay in record.entries where replay.role == .replay {
            let result = replay.envelope.statement?.predicate["result"]?.string ?? "nothing"
            report.proved.append("replayed: entry \(replay.leafIndex) says \(result)")
        }
        let roles = Set(record.entries.map(\.role))
        if !roles.contains(.outcome) { report.notProved.append("how the run ended: it has no outcome entry") }
        if !roles.contains(.intent) { report.notProved.append("that the run was announced before it started") }
        if !roles.contains(.replay) {
            report.notProved.append("that the run gives the same again: it has no replay entry")
        }
        report.notProved.append("that these are all entries about the run: some can be left out of a record")
        report.notProved += NotProved.sentences(pinned: pinned, outside: false)
        let others = record.checkpoint.signatures.filter { $0.keyHash != record.ledgerKey.hash }
        if !others.isEmpty {
            report.notProved.append(
                "what \(others.map(\.name).joined(separator: ", ")) signed: their keys are not known here")
        }
    }
}

extension JSONValue {
    /// Every digest in any text of the value: 64 hexadecimal digits, with or without `sha256:`.
    fileprivate var digests: [Digest] {
        switch self {
        case .string(let text): (Digest(text) ?? Digest(hex: text)).map { [$0] } ?? []
        case .array(let elements): elements.flatMap(\.digests)
        case .object(let members): members.values.flatMap(\.digests)
        default: []
        }
    }
}
