import Dispatch
import IbidCrypto
import IbidMerkle
import IbidModel

/// What an entry's own bytes say, without its neighbours: the part of verification that costs, done on all processors.
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

    init(_ stored: StoredEntry, identity: LedgerIdentity?, options: VerifyOptions) {
        self.stored = stored
        leafHash = .leaf(stored.leaf)
        let payload = stored.envelope?.payload ?? []
        // Almost always a canonical statement, which is read without building it; anything else is looked at closely.
        let scanned = StatementFacts(scanning: payload)
        facts = scanned ?? StatementFacts(payload: try? CanonicalJSON.parse(payload))
        isCanonical = scanned != nil || stored.envelope?.statement?.canonicalBytes == payload
        if let envelope = stored.envelope, let key = identity?.attestorKey {
            isLeafOfStatement = stored.leaf == Leaf.bytes(of: envelope, key: key)
            isSigned = !options.statementSignatures || envelope.isSigned(by: key)
        } else {
            (isLeafOfStatement, isSigned) = (true, true)
        }
        // One content, one text: a note that would be written in another way is none of ours.
        let note = stored.note.flatMap { try? SignedNote(parsing: $0) }.flatMap {
            $0.description == stored.note ? $0 : nil
        }
        checkpoint = note.flatMap { try? Checkpoint(text: $0.text) }
        isNoteSigned =
            !options.checkpointSignatures || identity == nil
            || note.map { $0.isSigned(by: identity?.ledgerKey) } ?? false
    }

    /// Checks many entries at once.
    static func check(_ batch: [StoredEntry], identity: LedgerIdentity?, options: VerifyOptions) -> [CheckedEntry] {
        let share = 16
        return [CheckedEntry](unsafeUninitializedCapacity: batch.count) { buffer, count in
            // Each iteration initialises elements of its own, and none is looked at before all are done.
            nonisolated(unsafe) let output = buffer
            DispatchQueue.concurrentPerform(iterations: (batch.count + share - 1) / share) { part in
                for position in part * share..<min((part + 1) * share, batch.count) {
                    output.initializeElement(
                        at: position, to: CheckedEntry(batch[position], identity: identity, options: options))
                }
            }
            count = batch.count
        }
    }
}

extension SignedNote {
    fileprivate func isSigned(by key: NoteKey?) -> Bool { key.map { isSigned(by: $0) } ?? false }
}
