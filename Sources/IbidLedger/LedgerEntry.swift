public import IbidModel

/// One entry: what the tree holds, and the envelope beside it.
public struct LedgerEntry: Hashable, Sendable {
    /// What an entry is about, as far as the ledger reads it.
    public enum Kind: Hashable, Sendable {
        /// A run was about to start.
        case intent(RunID)
        /// A run had ended.
        case run(RunID)
        /// An image was built.
        case image(Digest)
        /// A run was done again.
        case replay(of: RunID)
        /// A run was taken in from an archive; its statements are in the record that the subject names.
        case imported(RunID)
        /// Somebody said something about a run.
        case note(RunID)
        /// Something else.
        case other
    }

    /// The index, from zero.
    public var leafIndex: Int64
    /// The bytes in the tree.
    public var leaf: [UInt8]
    /// The signed statement.
    public var envelope: Envelope

    /// Makes an entry from its parts.
    public init(leafIndex: Int64, leaf: [UInt8], envelope: Envelope) {
        self.leafIndex = leafIndex
        self.leaf = leaf
        self.envelope = envelope
    }

    /// The statement; nil when the payload is none.
    public var statement: Statement? { envelope.statement }

    /// What the entry is about.
    public var kind: Kind { StatementFacts(payload: try? CanonicalJSON.parse(envelope.payload)).entryKind }
}

extension StatementFacts {
    var entryKind: LedgerEntry.Kind {
        switch (kind, run, image) {
        case (.intent, .some(let run), _): .intent(run)
        case (.run, .some(let run), _): .run(run)
        case (.replay, .some(let run), _): .replay(of: run)
        case (.imported, .some(let run), _): .imported(run)
        case (.note, .some(let run), _): .note(run)
        case (.image, _, .some(let image)): .image(image)
        default: .other
        }
    }
}

/// A run as the ledger's index lists it.
public struct RunEntry: Hashable, Sendable {
    /// The run.
    public var run: RunID
    /// The entry made before it started.
    public var intentIndex: Int64?
    /// The entry made after it ended; nil while it runs, and for one that was never reported.
    public var outcomeIndex: Int64?
    /// The image it ran in, when its statements name one.
    public var image: Digest?
    /// When it started, as its statements say.
    public var startedAt: Timestamp?
    /// When it ended, as its statement says.
    public var finishedAt: Timestamp?
}
