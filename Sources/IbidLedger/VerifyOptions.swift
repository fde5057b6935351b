public import IbidMerkle
public import IbidModel
public import SystemPackage

/// What a verification of a ledger covers.
public struct VerifyOptions: Sendable {
    /// Checkpoints of this ledger that were kept elsewhere: its first entries have to be theirs.
    public var since: [SignedNote] = []
    /// A checkpoint of this ledger up to which the caller has verified all signatures before, in a place of their own:
    /// the first entries have to be its, and then theirs need not be verified again.
    public var verified: SignedNote?
    /// The time now, for the receipt that a verification of one's own ledger keeps beside its keys, and the next one goes
    /// on from; nil, and there is none.
    public var receiptAt: Timestamp?
    /// Whether signatures that a receipt says were verified are verified again.
    public var allSignatures = false
    /// Files of certificates (PEM) of time stamp authorities that the caller trusts.
    public var timestampAuthorities: [FilePath] = []
    /// Whether the signature of every statement is checked, which takes most of the time.
    public var statementSignatures = true
    /// Whether the signature of every checkpoint is checked, or only the newest one's.
    public var checkpointSignatures = true

    /// Everything, without older checkpoints.
    public init() {}
}

/// What no verification of this kind can say.
enum NotProved {
    static func sentences(pinned: PinnedKeys, outside: Bool) -> [String] {
        var sentences: [String] = []
        if !pinned.pinsAttestor || !pinned.pinsLedger {
            sentences.append(
                "whose keys these are: they were taken from what is verified; pin them with keys you got another way")
        }
        sentences.append("that the host told the truth: the statements are what its keys asserted")
        sentences.append("when it happened: times are those of the host's clock")
        if !outside {
            sentences.append(
                "that no newer entries were dropped, and that nobody was shown another history: compare with a "
                    + "checkpoint that somebody else holds")
        }
        return sentences
    }
}
