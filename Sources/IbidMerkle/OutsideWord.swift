/// What somebody outside said of a log: a checkpoint that was given away, and what came back for it.
public struct OutsideWord: Hashable, Sendable {
    /// Who said it.
    public enum Kind: String, CaseIterable, Hashable, Sendable {
        /// A time stamp authority (RFC 3161).
        case stamped
        /// A witness (C2SP tlog-cosignature).
        case witnessed
    }

    /// Who said it.
    public var kind: Kind
    /// The checkpoint that was given away, to the byte what a time stamp is over; with the witness' line.
    public var note: SignedNote
    /// The authority's answer in DER, or the witness' verifier key and a newline.
    public var word: [UInt8]

    /// Makes a word from its parts.
    public init(_ kind: Kind, note: SignedNote, word: [UInt8]) {
        self.kind = kind
        self.note = note
        self.word = word
    }
}

extension OutsideWord.Kind {
    /// The files of an archive that hold such a word: the checkpoint, the proof that the archive's own continues it, and
    /// what came back.
    public var files: (checkpoint: String, consistency: String, word: String) {
        let place = "ledger/\(rawValue)/"
        let word = self == .stamped ? "checkpoint.tsr" : "witness.vkey"
        return (place + "checkpoint", place + "consistency", place + word)
    }
}
