import IbidCrypto
import IbidMerkle
import IbidModel

/// An entry that `EntryChecker` did not find sound, taken apart: what its own bytes say, without its neighbours.
struct CheckedEntry: Sendable {
    let stored: StoredEntry
    /// The hash of the leaf, computed.
    let leafHash: MerkleHash
    let facts: StatementFacts
    /// Whether the payload is a statement in canonical form.
    let isCanonical: Bool
    /// Whether the leaf is that of the envelope.
    let isLeafOfStatement: Bool
    /// Whether the statement is signed by the ledger's attestor; true when that was not asked for.
    let isSigned: Bool
    /// The checkpoint over all entries up to this one; nil when the note is none.
    let checkpoint: Checkpoint?
    /// Whether the note is signed by the ledger's key; true when that was not asked for.
    let isNoteSigned: Bool

    init(_ stored: StoredEntry, identity: LedgerIdentity?, signatures: SignatureScope) {
        self.stored = stored
        leafHash = .leaf(stored.leaf)
        let payload = stored.envelope?.payload ?? []
        // Almost always a canonical statement, which is read without building it; anything else is looked at closely.
        let scanned = StatementFacts(scanning: payload)
        facts = scanned ?? StatementFacts(payload: try? CanonicalJSON.parse(payload))
        isCanonical = scanned != nil || stored.envelope?.statement?.canonicalBytes == payload
        if let envelope = stored.envelope, let key = identity?.attestorKey {
            isLeafOfStatement = stored.leaf == Leaf.bytes(of: envelope, key: key)
            isSigned = !signatures.coversStatement(stored.index) || envelope.isSigned(by: key)
        } else {
            (isLeafOfStatement, isSigned) = (true, true)
        }
        // One content, one text: a note that would be written in another way is none of ours.
        let note = stored.note.flatMap { try? SignedNote(parsing: $0) }.flatMap {
            $0.description == stored.note ? $0 : nil
        }
        checkpoint = note.flatMap { try? Checkpoint(text: $0.text) }
        isNoteSigned =
            !signatures.coversCheckpoint(size: stored.index + 1) || identity == nil
            || note.map { $0.isSigned(by: identity?.ledgerKey) } ?? false
    }

    /// The run that the entry opens, unless an earlier one did.
    var opens: RunKey? {
        guard let run = facts.run, [.intent, .run, .imported].contains(facts.kind) else { return nil }
        return RunKey(run)
    }

    /// Whether the index says of the statement what it says; compared as bytes, since strings are equal in more cases.
    var isIndexed: Bool {
        let expected = [facts.kind.rawValue, facts.run?.text, facts.image?.hex, facts.startedAt, facts.finishedAt]
        return zip(stored.event, expected).allSatisfy { $0.map { Array($0.utf8) } == $1.map { Array($0.utf8) } }
    }
}

extension SignedNote {
    fileprivate func isSigned(by key: NoteKey?) -> Bool { key.map { isSigned(by: $0) } ?? false }
}
